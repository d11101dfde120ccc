"""`storyreel up` and its neighbours as a person uses them, with real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from infra.kafka_admin import TopicLayout
from infra.local import ports
from infra.local.paths import StackPaths
from infra.local.registry import REGISTRY_TOPICS
from infra.local.state import StackState, read_state
from schemas.topics import TOPICS
from tests.integration.local.helpers import mentioning, until

STOP_LIMIT = 10.0  # seconds a stack may take to end


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="storyreel-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"


def environment() -> dict[str, str]:
    """Ours without what would point the commands elsewhere."""
    return {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("STORYREEL_")}


def storyreel(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "infra.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment())


@contextmanager
def up(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`storyreel up` in the foreground; its output is one pipe."""
    command = [sys.executable, "-m", "infra.cli", "up", "--data", str(folder), "--devices", "0"]
    command += ["--port", str(ports.choose())]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def state_of(folder: Path) -> StackState:
    return read_state(StackPaths(folder))


def interrupted(process: subprocess.Popen[str], folder: Path) -> str:
    """Press Ctrl-C and make sure that nothing is left in time; returns what was printed."""
    offspring = psutil.Process(process.pid).children(recursive=True)
    assert offspring
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=STOP_LIMIT + 5)
    assert time.monotonic() - began < STOP_LIMIT
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert not [child for child in offspring if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert mentioning(str(folder)) == []
    assert not StackPaths(folder).settings.exists()
    return output


async def test_ctrl_c_during_the_start_leaves_nothing(folder: Path) -> None:
    with up(folder) as process:

        def kafka_starts() -> bool:
            assert process.poll() is None, process.communicate()[0]
            return any(r.name == "kafka" and r.pid is not None for r in state_of(folder).processes)

        await until(kafka_starts, 60)
        assert not state_of(folder).ready
        assert interrupted(process, folder).endswith("stopped\n")
    assert storyreel("status", "--data", str(folder)).returncode == 3


async def test_a_stack_from_start_to_ctrl_c(folder: Path) -> None:
    where = ("--data", str(folder))
    with up(folder) as process:

        def ready() -> bool:
            assert process.poll() is None, process.communicate()[0]
            return state_of(folder).ready

        await until(ready, 120)
        status = json.loads(storyreel("status", "--json", *where).stdout)
        assert status["ready"] is True
        assert {p["name"]: p["state"] for p in status["processes"]} == dict.fromkeys(
            ("kafka", "postgres", "registry", "coordinator", "read-models", "api"), "ready"
        )

        second = storyreel("up", *where)
        assert second.returncode == 1
        assert f"in use by another stack (process {process.pid}); stop it: storyreel down" in second.stderr
        topics = {t["name"]: t for t in json.loads(storyreel("topics", "describe", "--json", *where).stdout)}
        layouts: list[TopicLayout] = [*TOPICS, *REGISTRY_TOPICS]
        wanted = {topic.name: topic.retention_ms for topic in layouts}
        found = {name: int(topic["configs"]["retention.ms"]) for name, topic in topics.items() if name in wanted}
        assert found == {name: -1 if kept is None else kept for name, kept in wanted.items()}
        assert storyreel("topics", "create", *where).stdout == "created: nothing, all are there\n"

        assert "ready; stop it with Ctrl-C" in interrupted(process, folder)
    down = storyreel("down", *where)
    assert (down.returncode, down.stdout) == (0, f"nothing runs in {folder}\n")
