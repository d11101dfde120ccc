"""The parts of the benchmark by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from tests.benchmarks.figures import Figure, Options

Measure = Callable[[Options], Coroutine[Any, Any, list[Figure]]]
PARTS: Mapping[str, str] = MappingProxyType(
    {
        "accepts": "requests accepted, tasks end to end and a single task, beside FastAPI + Celery + Redis + PostgreSQL",
        "decisions": "the coordinator through transactions and in pure code",
        "coordinator_start": "ready with 1,000,000 events in the log",
        "live_read_models": "read models against an empty handler and quix-streams",
        "rebuild_speed": "read models in bulk",
        "memory": "every process over 100,000 tasks",
        "waiting_queue": "10,000 waiting tasks",
        "sse": "200 clients that follow tasks",
        "cold_start": "starts of the whole local stack",
        "video": "frames a second against ffmpeg alone",
    }
)


def part(name: str) -> Measure:
    """The part's function. Raises `ModuleNotFoundError` if there is no module of that name."""
    measure: Measure = importlib.import_module(f"tests.benchmarks.{name}").measure
    return measure
