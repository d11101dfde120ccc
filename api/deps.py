"""What the application is made of. The composition root builds it once; tests build it from parts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from litestar.params import SkipValidation

from api.lag import LagClock
from api.live.hub import Hub
from api.metrics import Metrics
from api.ports import Before, ReadModel
from api.reads import Reads
from api.uploads import Pictures
from api.webhooks.deliveries import Delivery, Planned
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


class Delivering(Protocol):
    """Webhook deliveries, see `api.webhooks.deliveries.Deliveries`."""

    async def page(self, account_id: str, webhook_id: str, before: Before | None, limit: int) -> Sequence[Delivery]:
        """At most `limit` deliveries made before `before`, newest first."""
        ...

    async def failing(self, account_id: str) -> set[str]:
        """Webhooks that nothing is sent to of its own accord, because everything failed."""
        ...

    async def renew(self, planned: Planned, now: datetime) -> Delivery:
        """Send an event of any age to the webhook."""

    async def again(self, account_id: str, webhook_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        """Send it once more, None if the webhook has none of that id."""
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
    deliveries: Delivering
    now: Callable[[], datetime]


Injected = SkipValidation[Deps]
