"""What the application is made of. The composition root builds it once; tests build it from parts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from litestar.params import SkipValidation

from api.lag import LagClock
from api.live.hub import Hub
from api.metrics import Metrics
from api.ports import ReadModel
from api.reads import Reads
from api.uploads import Pictures
from infra.keystore import SqliteKeystore
from infra.object_store.port import ObjectStore
from infra.settings import Settings
from schemas.decisions import RequestDecided
from schemas.requests import Request


class Submits(Protocol):
    """The gateway."""

    async def submit(self, request: Request) -> RequestDecided:
        """The decision about a request, see `api.gateway.Gateway`."""
        ...


class Liveness(Protocol):
    """The tail as far as health goes."""

    @property
    def alive(self) -> bool:
        """Whether the broker answered within the last few seconds."""
        ...

    started: asyncio.Event
    lag: int
    poison: int

    def sequence(self, topic: str, partition: int) -> int:
        """The last `partition_seq` taken."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """Everything a handler may use. `now` is the wall clock (UTC)."""

    settings: Settings
    keystore: SqliteKeystore
    store: ObjectStore
    queries: ReadModel
    reads: Reads
    gateway: Submits
    tail: Liveness
    hub: Hub
    pictures: Pictures
    metrics: Metrics
    lag_clock: LagClock
    now: Callable[[], datetime]


Injected = SkipValidation[Deps]
