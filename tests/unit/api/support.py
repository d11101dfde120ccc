# ruff: noqa: ARG002  (ports have arguments that memory does not need)
"""The edge over in-memory ports: a read model folded from events, a log whose end is always reached, a decider by rule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace

from api.app import create_app
from api.deps import Deps
from api.gateway import settle
from api.lag import LagClock
from api.live.decisions import DecisionBoard
from api.live.feed import Feed
from api.live.hub import Hub
from api.live.overlay import Overlay
from api.metrics import Metrics
from api.reads import Reads
from api.uploads import Pictures
from infra.keystore import Role, SqliteKeystore
from infra.object_store.local import LocalObjectStore
from infra.settings import Settings
from projections.folds.as_of import limits_as_of, usage_as_of
from projections.folds.assets import AssetRow
from projections.folds.character_shots import CharacterShotRow, shot_rows
from projections.folds.characters import CharacterRow, Embedding
from projections.folds.devices import DeviceRow
from projections.folds.quotas import LimitChangeRow, UsageChangeRow, UsageRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow, task_event_row
from projections.folds.task_rows import TaskRow
from projections.folds.tasks import apply_task
from projections.folds.users import effective_limits
from projections.folds.webhooks import WebhookRow
from schemas.common import Limits, TaskKind
from schemas.decisions import Outcome, RequestDecided
from schemas.envelope import EPOCH, Envelope, Stamp
from schemas.requests import Request
from schemas.tasks import AnyTaskEvent, StageCompleted
from tests.unit.api.deliveries import MemoryDeliveries

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class MemoryReadModel:
    """`api.ports.ReadModel` over dictionaries."""

    def __init__(self) -> None:
        self.rows: dict[str, TaskRow] = {}
        self.events: list[TaskEventRow] = []
        self.character_rows: dict[str, CharacterRow] = {}
        self.shots: list[CharacterShotRow] = []
        self.embeddings: dict[str, Embedding] = {}
        self.stage_sealed: dict[tuple[str, str], bytes] = {}
        self.assets: dict[str, AssetRow] = {}
        self.storyboards: dict[str, StoryboardRow] = {}
        self.device_rows: list[DeviceRow] = []
        self.webhook_rows: list[WebhookRow] = []
        self.usage_rows: list[UsageRow] = []
        self.stored = 0  # number of the last event the rows hold
        self.usage_changes: list[UsageChangeRow] = []
        self.limit_changes: list[LimitChangeRow] = []
        self.registered_at = EPOCH
        self.drifted: list[str] = []

    def apply(self, event: AnyTaskEvent) -> None:
        row = self.rows[event.task_id] = apply_task(self.rows.get(event.task_id), event)
        if isinstance(event, StageCompleted):
            self.shots += shot_rows(row, event)
        self.events.append(task_event_row(event))

    async def task(self, account_id: str, task_id: str) -> TaskRow | None:
        row = self.rows.get(task_id)
        return row if row and row.account_id == account_id else None

    async def stored_tasks(self, task_ids: Sequence[str]) -> list[TaskRow]:
        return [row for task_id, row in self.rows.items() if task_id in task_ids]

    async def owner(self, task_id: str) -> str | None:
        row = self.rows.get(task_id)
        return row.account_id if row else None

    async def tasks(
        self,
        account_id: str,
        status: str | None,
        kind: TaskKind | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[TaskRow]:
        rows = [r for r in self.rows.values() if r.account_id == account_id]
        rows = [r for r in rows if status in (None, r.status) and kind in (None, r.kind)]
        rows = [r for r in rows if before is None or (r.created_at, r.task_id) < before]
        return sorted(rows, key=lambda r: (r.created_at, r.task_id), reverse=True)[:limit]

    async def queue_position(self, task_id: str) -> int | None:
        waiting = sorted(r.task_id for r in self.rows.values() if r.state == "queued" and not r.held)
        return waiting.index(task_id) + 1 if task_id in waiting else None

    async def task_events(self, account_id: str, task_id: str, after_account_seq: int) -> list[TaskEventRow]:
        mine = (e for e in self.events if e.account_id == account_id and e.task_id == task_id)
        return [e for e in mine if e.account_seq > after_account_seq]

    async def account_events(self, account_id: str, after_account_seq: int, limit: int) -> list[TaskEventRow]:
        mine = [e for e in self.events if e.account_id == account_id and e.account_seq > after_account_seq]
        return sorted(mine, key=lambda e: e.account_seq)[:limit]

    async def newest_event(self, account_id: str) -> int:
        return max((e.account_seq for e in self.events if e.account_id == account_id), default=0)

    async def usage(self, account_id: str, since_day: str) -> list[UsageRow]:
        return [r for r in self.usage_rows if r.account_id == account_id and r.day >= since_day]

    async def usage_at(self, account_id: str, since_day: str, at: datetime) -> list[UsageRow]:
        return usage_as_of([c for c in self.usage_changes if c.account_id == account_id and c.day >= since_day], at)

    async def limits_at(self, account_id: str, at: datetime) -> Limits | None:
        return effective_limits(Limits(), limits_as_of(self.limit_changes, at)) if at >= self.registered_at else None

    async def limits(self, account_id: str) -> Limits | None:
        return Limits()

    async def character(self, account_id: str, character_id: str) -> CharacterRow | None:
        row = self.character_rows.get(character_id)
        return row if row and row.account_id == account_id else None

    async def characters(self, account_id: str, before: object, limit: int) -> list[CharacterRow]:
        return [r for r in self.character_rows.values() if r.account_id == account_id][:limit]

    async def character_shots(
        self, account_id: str, character_id: str, limit: int
    ) -> list[tuple[CharacterShotRow, bytes]]:
        rows = [shot for shot in self.shots if shot.account_id == account_id and shot.character_id == character_id]
        newest = sorted(rows, key=lambda shot: shot.created_at, reverse=True)[:limit]
        return [(shot, self.rows[shot.task_id].results.get(shot.stage_id, b"")) for shot in newest]

    async def stage_results(self, task_ids: Sequence[str], stage_id: str) -> dict[str, bytes]:
        return {
            task_id: self.stage_sealed[task_id, stage_id]
            for task_id in task_ids
            if (task_id, stage_id) in self.stage_sealed
        }

    async def similar_characters(
        self, account_id: str, encoder: str, vector: Sequence[float], limit: int
    ) -> list[tuple[CharacterRow, float]]:
        found = [
            (row, sum(a * b for a, b in zip(self.embeddings[name].vector, vector, strict=True)))
            for name, row in self.character_rows.items()
            if row.account_id == account_id and name in self.embeddings and self.embeddings[name].encoder == encoder
        ]
        return sorted(found, key=lambda pair: -pair[1])[:limit]

    async def asset(self, account_id: str, asset_id: str) -> AssetRow | None:
        row = self.assets.get(asset_id)
        return row if row and row.account_id == account_id else None

    async def storyboard(self, account_id: str, storyboard_id: str) -> StoryboardRow | None:
        row = self.storyboards.get(storyboard_id)
        return row if row and row.account_id == account_id else None

    async def devices(self) -> list[DeviceRow]:
        return self.device_rows

    async def webhooks(self, account_id: str) -> list[WebhookRow]:
        return [row for row in self.webhook_rows if row.account_id == account_id and not row.removed]

    async def wait_for(self, topic: str, partition: int, partition_seq: int, timeout: float) -> bool:
        return self.stored >= partition_seq

    async def drift_rows(self) -> int:
        return len(self.drifted)

    async def cursor(self, topic: str, partition: int) -> int:
        return self.stored


class MemoryLog:
    """`LogEnd` and `Liveness`: everything that was committed was taken. `on_end` runs when its end is asked for."""

    def __init__(self) -> None:
        self.alive = True
        self.started = asyncio.Event()
        self.lag = 0
        self.poison = 0
        self.last = 0  # number of the last event
        self.on_end: Callable[[], None] = lambda: None

    async def reach_end(self, topic: str, partition: int, timeout: float) -> bool:
        self.on_end()
        return self.alive

    def sequence(self, topic: str, partition: int) -> int:
        return self.last


class MemoryGateway:
    """`Submits`: keeps the requests and answers each by `answer`, accepted by default."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[RequestDecided], RequestDecided] = lambda decision: decision

    async def submit(self, request: Request) -> RequestDecided:
        self.requests.append(request)
        info = request.request
        decision = RequestDecided(
            request_id=info.request_id,
            task_id=info.task_id,
            outcome=Outcome.ACCEPTED,
            task_status="queued",
            estimated_ms=1500,
        )
        return settle(self.answer(decision))


class Edge:
    """The application, its ports and the keys of its callers."""

    def __init__(self, folder: Path) -> None:
        self.keystore = SqliteKeystore(folder / "keystore.db", b"k" * 32)
        self.store = LocalObjectStore(folder / "objects", "http://testserver.local", b"s" * 32, NOW.timestamp)
        self.model, self.log, self.gateway = MemoryReadModel(), MemoryLog(), MemoryGateway()
        self.deliveries = MemoryDeliveries()
        self.overlay, self.hub, self.metrics = Overlay(), Hub(), Metrics()
        self.feed = Feed(DecisionBoard(), self.overlay, self.hub, self.metrics)
        self.deps = Deps(
            settings=Settings(),
            keystore=self.keystore,
            store=self.store,
            queries=self.model,
            reads=Reads(self.log, self.overlay, self.model, 1),
            gateway=self.gateway,
            tail=self.log,
            hub=self.hub,
            pictures=Pictures(),
            metrics=self.metrics,
            lag_clock=LagClock(),
            deliveries=self.deliveries,
            now=lambda: NOW,
        )

    def key(self, account_id: str, role: Role = "member") -> str:
        return self.keystore.create_api_key(account_id, role, "normal").secret_text

    @contextmanager
    def client(self, account_id: str = "", role: Role = "member") -> Iterator[TestClient[Litestar]]:
        with TestClient(create_app(self.deps)) as client:
            if account_id:
                client.headers["Authorization"] = f"Bearer {self.key(account_id, role)}"
            yield client


def stamped(event: AnyTaskEvent, account_id: str, sequence: int, seq: int) -> AnyTaskEvent:
    """The event as the coordinator writes it: `sequence` in its task, `seq` in account and shard."""
    envelope = Envelope(
        event_id=f"e{seq}", aggregate_id=event.task_id, sequence=sequence, account_id=account_id, occurred_at=NOW
    )
    return replace(event, envelope=envelope, stamp=Stamp(shard_seq=seq, partition_seq=seq, account_seq=seq))
