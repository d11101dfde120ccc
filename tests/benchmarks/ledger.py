"""A long ledger, written quickly through the coordinator's own path: batches are decided, folded and committed in transactions.

Accounts ask for pictures of one to three shots; devices answer at once; a few tasks wait for an engine nobody runs and stay.
Nine of ten events are of finished tasks, as on a log that has been used for long.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaProducer

from infra.kafka import create_producer
from infra.registry import load_codec
from infra.settings import Settings
from schemas.common import Artifact, StageKind, StagePlan, Tier
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, Record
from schemas.ids import new_id
from schemas.render import DeviceJoined, RenderCommand, StageStartedReport, StageSucceededReport
from schemas.requests import ImageRequested, RequestInfo, UserRegistrationRequested
from schemas.serde import Codec
from schemas.topics import TOPIC_OF
from streams.batch import Batch
from streams.coordinator import policy_of
from streams.loop import Loop
from streams.recovery import Recovered
from streams.standby import recover

ACCOUNTS = 200
DEVICES = 8
AT_ONCE = 60  # requests a round
STAYING = 40  # every such task waits for an engine that nobody runs


async def write_ledger(settings: Settings, events: int, *, anew: bool = True) -> Recovered:
    """Write until the ledger has that many events; `anew` when it is empty. Nobody else may decide meanwhile."""
    codec = await load_codec(settings)
    policy = policy_of(settings)
    plain, transactional = create_producer(settings.kafka), create_producer(settings.kafka, "coordinator-0")
    await plain.start()
    await transactional.start()
    try:
        found = Recovered.empty(0) if anew else await recover(settings, codec, policy)
        writer = Writer(plain, codec, Loop(settings, codec, policy, transactional, found), policy)
        if anew:
            await writer.take(
                [_registration(f"account-{n}") for n in range(ACCOUNTS)] + [_joining(n) for n in range(DEVICES)]
            )
        began, first = time.monotonic(), writer.loop.found.heads.shard_seq
        while (written := writer.loop.found.heads.shard_seq) < events:
            await writer.take(writer.next_requests() + writer.answers())
            rate = (written - first) / max(0.001, time.monotonic() - began)
            print(f"\r{written} events, {rate:.0f}/s ", end="", file=sys.stderr)
        print(file=sys.stderr)
        await plain.flush()
        return writer.loop.found
    finally:
        await plain.stop()
        await transactional.stop()


class Writer:
    """Plays clients, devices and the loop around the real batch, transaction and inputs on the log."""

    def __init__(self, plain: AIOKafkaProducer, codec: Codec, loop: Loop, policy: Any) -> None:
        self.loop = loop
        self._plain = plain
        self._codec = codec
        self._policy = policy
        self._asked = 0
        self._open: list[RenderCommand] = []
        heads = loop.found.heads
        self._offsets = {"requests": heads.requests_position, "reports": heads.reports_position}

    async def take(self, records: Sequence[Record]) -> None:
        """Put the records on the log, decide them in one batch, commit it."""
        batch = Batch(self.loop.found.state, self.loop.found.heads, self._codec, self._policy)
        for record in records:
            topic = TOPIC_OF[type(record)].name
            headers = self._codec.headers(record, "benchmark")
            await self._plain.send(topic, self._codec.encode(record), key=b"k", partition=0, headers=headers)
            message: Any = SimpleNamespace(topic=topic, partition=0, offset=self._offsets[topic])
            self._offsets[topic] += 1
            batch.take(message, record)
        batch.follow_up()
        await self.loop._commit(batch)
        self._open += [entry.record for entry in batch.entries if isinstance(entry.record, RenderCommand)]

    def next_requests(self) -> list[Record]:
        """Some more pictures; none while the devices have more than they can do."""
        if len(self._open) > 4 * AT_ONCE:
            return []
        made: list[Record] = []
        for _ in range(AT_ONCE):
            self._asked += 1
            engine = "nobody-has-it" if self._asked % STAYING == 0 else "null"
            made.append(_images(f"account-{self._asked % ACCOUNTS}", engine, 1 + self._asked % 3))
        return made

    def answers(self) -> list[Record]:
        """What the devices say about all they were given."""
        commands, self._open = self._open, []
        return [report for command in commands for report in (_started(command), _succeeded(command))]


def _envelope(account: str) -> Envelope:
    return Envelope(event_id=new_id(), account_id=account, correlation_id=new_id(), occurred_at=datetime.now(UTC))


def _info(task_id: str) -> RequestInfo:
    valid_until = datetime.now(UTC) + timedelta(seconds=600)
    return RequestInfo(request_id=new_id(), task_id=task_id, body_hash="b" * 64, valid_until=valid_until)


def _registration(account: str) -> Record:
    return UserRegistrationRequested(envelope=_envelope(account), request=_info(account), tier=Tier.VIP, new_key_id="k")


def _joining(number: int) -> Record:
    return DeviceJoined(
        envelope=_envelope(""), device_id=f"cpu-{number}", boot_id=new_id(), engines=[EngineInfo(name="null")]
    )


def _images(account: str, engine: str, shots: int) -> Record:
    stages = [
        StagePlan(stage_id=f"shot-{n:02d}", kind=StageKind.SHOT, engine=engine, sealed=b"s" * 300, deliver=True)
        for n in range(1, shots + 1)
    ]
    return ImageRequested(envelope=_envelope(account), request=_info(new_id()), stages=stages, width=512, height=512)


def _where(command: RenderCommand) -> dict[str, Any]:
    return {name: getattr(command, name) for name in ("task_id", "stage_id", "attempt", "device_id", "epoch")}


def _started(command: RenderCommand) -> Record:
    return StageStartedReport(envelope=_envelope(""), **_where(command))


def _succeeded(command: RenderCommand) -> Record:
    artifact = Artifact(role="main", key=f"results/{command.command_id}.png", sha256="0" * 64, size=9_000)
    return StageSucceededReport(envelope=_envelope(""), artifacts=[artifact], render_ms=5, **_where(command))
