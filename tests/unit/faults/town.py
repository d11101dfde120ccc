"""A small world for the checker: the coordinator's own batches over lists, with what clients and stores would show of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from schemas.common import Artifact, Problem, StageKind, StagePlan, Tier
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, Record
from schemas.errors import ContractError
from schemas.ids import derived_id
from schemas.render import (
    DeviceJoined,
    DeviceLeft,
    StageFailedReport,
    StageReport,
    StageStartedReport,
    StageSucceededReport,
)
from schemas.requests import (
    AssetSubmitted,
    CancellationRequested,
    ImageRequested,
    RequestInfo,
    UserRegistrationRequested,
    VideoRequested,
)
from schemas.topics import DEAD_LETTERS, REPORTS, REQUESTS, TOPIC_OF
from streams.batch import Batch
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.ledger import Heads
from tests.deciding import film_plan
from tests.faults.checker import Accepted, Evidence, ObjectSeen, Poison, Position, Seen
from tests.faults.checker.records import Log, Place, Raw
from tests.faults.simulation.owner import CODEC

POLICY = Policy(retry_wait=timedelta(0))
REPORT: dict[str, type[StageReport]] = {
    "start": StageStartedReport,
    "succeed": StageSucceededReport,
    "fail": StageFailedReport,
}


class Town:
    """One account and one device; every call is one transaction."""

    def __init__(self, policy: Policy = POLICY, shard: int = 0, account: str = "ann", device: str = "cpu-0") -> None:
        self.policy, self.account, self.device = policy, account, device
        self.partitions: dict[Place, list[Raw]] = defaultdict(list)
        self.markers: Counter[Place] = Counter()
        self.accepted: list[Accepted] = []
        self.poison: list[Poison] = []
        self.objects: dict[str, ObjectSeen] = {}
        self.state, self.heads = ShardState(), Heads(shard=shard)
        self._ids = 0
        self.ask(UserRegistrationRequested(request=self.info(account), tier=Tier.VIP, new_key_id="key"))
        self.joins("boot-1")

    def info(self, task_id: str) -> RequestInfo:
        """A fresh request about something."""
        self._ids += 1
        until = datetime.now(UTC) + timedelta(seconds=60)
        return RequestInfo(request_id=f"request-{self._ids}", task_id=task_id, body_hash="body", valid_until=until)

    def joins(self, boot: str) -> None:
        """The device starts."""
        engines = [EngineInfo(name=name) for name in ("null", "animatic")]
        self.ask(DeviceJoined(device_id=self.device, boot_id=boot, engines=engines))

    def leaves(self, boot: str) -> None:
        """The device stops."""
        self.ask(DeviceLeft(device_id=self.device, boot_id=boot, reason="stopped"))

    def images(self, task_id: str, count: int = 1, reuse_hash: str = "") -> None:
        """Ask for pictures; with a hash their result is taken again."""
        shot: dict[str, Any] = {"kind": StageKind.SHOT, "engine": "null", "deliver": True}
        stages = [StagePlan(stage_id=f"shot-{n:02d}", **shot) for n in range(1, count + 1)]
        info = replace(self.info(task_id), reuse_hash=reuse_hash)
        self.accepted.append(Accepted(task_id=task_id, account_id=self.account, idempotency_key=f"key-{task_id}"))
        self.ask(ImageRequested(request=info, stages=stages, width=512, height=512))

    def film(self, task_id: str) -> None:
        """Ask for a film of two shots."""
        self.accepted.append(Accepted(task_id=task_id, account_id=self.account))
        self.ask(VideoRequested(request=self.info(task_id), plan=film_plan(2), width=512, height=512))

    def upload(self, asset_id: str) -> None:
        """Upload a picture."""
        self.accepted.append(Accepted(task_id=asset_id, account_id=self.account))
        sha256 = hashlib.sha256(asset_id.encode()).hexdigest()
        key = f"accounts/{self.account}/assets/{asset_id}-{sha256[:16]}.png"
        self.objects[key] = ObjectSeen(key=key, sha256=sha256, size=9)
        self.ask(AssetSubmitted(request=self.info(asset_id), asset_id=asset_id, sha256=sha256, size=9))

    def cancel(self, task_id: str) -> None:
        """Ask to stop a task."""
        self.ask(CancellationRequested(request=self.info(task_id)))

    def report(self, how: str, task_id: str, stage_id: str = "shot-01", **fields: Any) -> Record:
        """What the device that has the stage now says about it; `fields` say otherwise."""
        stage = self.state.tasks[task_id].stages[stage_id]
        about: dict[str, Any] = {"attempt": stage.attempt, "epoch": stage.epoch, "device_id": stage.device_id}
        about |= fields
        if how == "succeed":
            key = f"results/{task_id}/{stage_id}/a{about['attempt']}-e{about['epoch']}/main.png"
            about["artifacts"] = [self.store(key)]
        if how == "fail":
            about["problem"] = Problem(type="RenderError", code="render_failed", retryable=True)
        record = REPORT[how](task_id=task_id, stage_id=stage_id, **about)
        return self.ask(record)

    def store(self, key: str) -> Artifact:
        """Put a file into the store; it is younger than the grace period."""
        sha256 = hashlib.sha256(key.encode()).hexdigest()
        self.objects[key] = ObjectSeen(key=key, sha256=sha256, size=len(key), old=False)
        return Artifact(role="main", key=key, sha256=sha256, size=len(key))

    def finish(self) -> None:
        """Let the device do everything it has."""
        while busy := sorted(key for device in self.state.devices.values() for key in device.outstanding):
            for task_id, stage_id in busy:
                self.report("start", task_id, stage_id)
                self.report("succeed", task_id, stage_id)

    def ask(self, record: Record) -> Record:
        """Write an input and let the coordinator decide it."""
        account = self.account if TOPIC_OF[type(record)] is REQUESTS else ""
        self._ids += 1
        envelope = Envelope(account_id=account, event_id=f"input-{self._ids}", aggregate_id=account or self.device)
        kind = type(record)
        record = kind(**({name: getattr(record, name) for name in kind.__struct_fields__} | {"envelope": envelope}))
        topic = TOPIC_OF[kind].name
        raw = self.append(topic, CODEC.encode(record), headers=[("ce_id", envelope.event_id.encode())])
        batch = Batch(self.state, self.heads, CODEC, self.policy)
        batch.take(_message(topic, raw), record)
        batch.follow_up()
        self.commit(batch)
        return record

    def bad_bytes(self, topic: str, value: bytes) -> None:
        """Put poison on an input and let the coordinator bury it."""
        raw = self.append(topic, value, headers=[("who", b"somebody")])
        self.poison.append(Poison(topic=topic, partition=0, offset=raw.offset))
        batch = Batch(self.state, self.heads, CODEC, self.policy)
        batch.refuse(_message(topic, raw), ContractError("nobody can read it"))
        batch.follow_up()
        self.commit(batch)

    def commit(self, batch: Batch) -> None:
        """Append what the batch holds, and a marker to each partition of the transaction."""
        self.state, self.heads = batch.state, batch.heads
        for entry in batch.entries:
            self.append(entry.topic, entry.value, entry.key.encode(), entry.partition, list(entry.headers))
        for dead in batch.dead:
            self.append(DEAD_LETTERS.name, dead.value, dead.key, headers=list(dead.headers))
        for place in {(entry.topic, entry.partition) for entry in batch.entries}:
            self.markers[place] += 1

    def append(
        self, topic: str, value: bytes | None, key: bytes | None = b"key", partition: int = 0, headers: Any = ()
    ) -> Raw:
        """One record at the end of a partition."""
        records = self.partitions[topic, partition]
        raw = Raw(len(records) + self.markers[topic, partition], key, value, list(headers))
        records.append(raw)
        return raw

    def usage(self) -> list[str]:
        """Rows of the read model of quota, as a dump shows them."""
        rows = []
        for (account, resource, day), usage in sorted(self.state.usage.items()):
            row = {"account_id": account, "resource": resource, "day": day, "used": usage.used}
            rows.append(f"quota_usage {json.dumps(row | {'reserved': usage.reserved})}")
        return rows

    def evidence(self, **changes: Any) -> Evidence:
        """What a checker would collect, but for `changes` of it and of what clients and injectors saw."""
        tasks = [f'tasks {{"task_id": "{one.task_id}", "status": "completed"}}' for one in self.accepted]
        parts: dict[str, Any] = {
            "log": Log(CODEC, {place: list(records) for place, records in self.partitions.items()}),
            "seen": Seen(accepted=list(self.accepted), poison=list(self.poison)),
            "live": self.usage() + tasks,
            "rebuilt": self.usage() + tasks,
            "objects": list(self.objects.values()),
            "positions": self.positions(),
            "coordinator": {key: (usage.used, usage.reserved) for key, usage in self.state.usage.items()},
            "quiet_s": 1.0,
        }
        told = {name: changes.pop(name) for name in Seen.__struct_fields__ if name in changes}
        parts["seen"] = replace(parts["seen"], **told)
        return Evidence(**(parts | changes))

    def positions(self) -> Sequence[Position]:
        """The coordinator at the end of its inputs, the read models at the end of `tasks`."""
        found = []
        for reader, topic in (("coordinator", REQUESTS.name), ("coordinator", REPORTS.name), ("read-models", "tasks")):
            records = self.partitions.get((topic, 0)) or [Raw(-1, None, None)]
            end = records[-1].offset + 1
            found.append(Position(reader=reader, topic=topic, partition=0, position=end, end=end))
        return found


def _message(topic: str, raw: Raw) -> Any:
    return SimpleNamespace(
        topic=topic, partition=0, offset=raw.offset, key=raw.key, value=raw.value, headers=raw.headers, timestamp=0
    )


def buried(topic: str, offset: int) -> str:
    """Request id of the decision that goes with a dead letter."""
    return derived_id("dead-letter", topic, "0", str(offset))
