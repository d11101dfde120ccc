"""The catalogue of topics: name, what it carries, who writes it, how it is partitioned and how long it is kept."""

from __future__ import annotations

import typing
from typing import Any, Literal

from msgspec import Struct

from schemas import acts, checkpoints, decisions, entities, quotas, render, requests, snapshots, tasks
from schemas.envelope import LedgerRecord, Record

HOUR = 3_600_000
DAY = 24 * HOUR


class TopicSpec(Struct, frozen=True, kw_only=True):
    """One topic. `partitions`: "shards" (one an account shard), "slots" (one a device slot) or "one".

    `retention_ms` None keeps records for ever; `compact` keeps the last record a key; `writer` is the only process that
    may produce to it; `max_bytes` is the largest record that the broker takes, None for its general limit.
    """

    name: str
    records: tuple[type[Record], ...]
    partitions: Literal["shards", "slots", "one"] = "shards"
    retention_ms: int | None = None
    compact: bool = False
    max_bytes: int | None = None
    writer: Literal["api", "coordinator", "gpu_agents", "readers", "auditor", "operators"] = "coordinator"


def _members(union: Any) -> tuple[type[Record], ...]:
    return typing.get_args(union) or (union,)


REQUESTS = TopicSpec(name="requests", records=_members(requests.AnyRequest), writer="api")
DECISIONS = TopicSpec(name="decisions", records=_members(decisions.AnyDecision), retention_ms=DAY)
TASKS = TopicSpec(name="tasks", records=_members(tasks.AnyTaskEvent))
QUOTAS = TopicSpec(name="quotas", records=_members(quotas.AnyQuotaEvent))
USERS = TopicSpec(name="users", records=_members(entities.AnyUserEvent))
CHARACTERS = TopicSpec(name="characters", records=_members(entities.AnyCharacterEvent))
ASSETS = TopicSpec(name="assets", records=_members(entities.AnyAssetEvent))
STORYBOARDS = TopicSpec(name="storyboards", records=_members(entities.AnyStoryboardEvent))
WEBHOOKS = TopicSpec(name="webhooks", records=_members(entities.AnyWebhookEvent))
DEVICES = TopicSpec(name="devices", records=_members(entities.AnyDeviceEvent), compact=True)
RENDER_COMMANDS = TopicSpec(
    name="render.commands", records=_members(render.AnyRenderCommand), partitions="slots", retention_ms=7 * DAY
)
SNAPSHOTS = TopicSpec(name="snapshots", records=_members(snapshots.AnyMark), compact=True)
CHECKPOINTS = TopicSpec(name="checkpoints", records=_members(checkpoints.AnyCheckpoint), writer="auditor")
OPERATOR_ACTS = TopicSpec(name="operator.acts", records=_members(acts.AnyAct), partitions="one", writer="operators")
REPORTS = TopicSpec(name="reports", records=_members(render.AnyReport), retention_ms=30 * DAY, writer="gpu_agents")
HEARTBEATS = TopicSpec(name="heartbeats", records=_members(render.AnyHeartbeat), retention_ms=HOUR, writer="gpu_agents")
PROGRESS = TopicSpec(name="progress", records=_members(render.AnyProgress), retention_ms=DAY, writer="gpu_agents")
DEAD_LETTERS = TopicSpec(
    name="dead.letters",
    records=(),
    partitions="one",
    retention_ms=90 * DAY,
    max_bytes=32 * 1024 * 1024,
    writer="readers",
)

TOPICS: tuple[TopicSpec, ...] = (
    REQUESTS,
    DECISIONS,
    TASKS,
    QUOTAS,
    USERS,
    CHARACTERS,
    ASSETS,
    STORYBOARDS,
    WEBHOOKS,
    DEVICES,
    RENDER_COMMANDS,
    SNAPSHOTS,
    CHECKPOINTS,
    OPERATOR_ACTS,
    REPORTS,
    HEARTBEATS,
    PROGRESS,
    DEAD_LETTERS,
)

BY_NAME = {topic.name: topic for topic in TOPICS}
TOPIC_OF: dict[type[Record], TopicSpec] = {record: topic for topic in TOPICS for record in topic.records}
LEDGER_TOPICS: tuple[TopicSpec, ...] = tuple(
    topic for topic in TOPICS if topic.records and all(issubclass(record, LedgerRecord) for record in topic.records)
)


def shard_of(account_id: str, shards: int) -> int:
    """The shard that decides for an account: 0 while one shard runs; explicit so that no client library decides it."""
    if shards == 1:
        return 0
    return int.from_bytes(account_id.encode()[-4:], "big") % shards
