"""A long ledger, written quickly through the coordinator's own path: batches are decided, folded and committed in transactions.

Accounts ask for pictures of one to three shots; devices answer at once; a few tasks wait for an engine nobody runs and stay.
Nine of ten events are of finished tasks, as on a log that has been used for long.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from confluent_kafka import Producer

from infra.registry import load_codec
from infra.settings import Settings
from schemas.common import Artifact, StageKind, StagePlan, Tier
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, Record
from schemas.ids import new_id
from schemas.render import DeviceJoined, RenderCommand, StageStartedReport, StageSucceededReport
from schemas.requests import ImageRequested, RequestInfo, UserRegistrationRequested
from schemas.serde import Codec, Headers
from schemas.topics import TOPIC_OF
from streams.batch import Batch
from streams.coordinator import policy_of
from streams.domain.policy import Policy
from streams.recovery import Recovered
from streams.standby import recover

ACCOUNTS = 200
DEVICES = 8
AT_ONCE = 150  # requests a round
STAYING = 40  # every such task waits for an engine that nobody runs


async def write_ledger(settings: Settings, events: int, *, anew: bool = True) -> None:
    """Write until the ledger has that many events; `anew` when it is empty. Nobody else may decide meanwhile.

    The clients are librdkafka's, several times as fast as aiokafka.
    """
    codec, policy = await load_codec(settings), policy_of(settings)
    plain = Producer({"bootstrap.servers": settings.kafka, "enable.idempotence": True, "linger.ms": 5})
    ledger = Producer({"bootstrap.servers": settings.kafka, "transactional.id": "coordinator-0", "linger.ms": 5})
    ledger.init_transactions()
    writer = Writer(
        plain, ledger, codec, policy, Recovered.empty(0) if anew else await recover(settings, codec, policy)
    )
    if anew:
        writer.take(writer.life.beginning())
    began, first = time.monotonic(), writer.heads.shard_seq
    while writer.heads.shard_seq < events:
        writer.take(writer.life.next_inputs())
        rate = (writer.heads.shard_seq - first) / max(0.001, time.monotonic() - began)
        print(f"\r{writer.heads.shard_seq} events, {rate:.0f}/s ", end="", file=sys.stderr)
    print(file=sys.stderr)
    plain.flush()


class Life:
    """Clients that ask and devices that answer at once; `saw` tells them what was decided."""

    def __init__(self) -> None:
        self._asked = 0
        self._open: list[RenderCommand] = []

    def beginning(self) -> list[Record]:
        """Accounts and devices."""
        return [*(_registration(f"account-{n}") for n in range(ACCOUNTS)), *(_joining(n) for n in range(DEVICES))]

    def next_inputs(self) -> list[Record]:
        """Some more pictures, none while the devices have more than they can do; and the answers to all commands."""
        made: list[Record] = []
        for _ in range(AT_ONCE if len(self._open) <= 4 * AT_ONCE else 0):
            self._asked += 1
            engine = "nobody-has-it" if self._asked % STAYING == 0 else "null"
            made.append(_images(f"account-{self._asked % ACCOUNTS}", engine, 1 + self._asked % 3))
        commands, self._open = self._open, []
        return made + [report for command in commands for report in (_started(command), _succeeded(command))]

    def saw(self, records: Iterable[Record]) -> None:
        """Commands among them are done next."""
        self._open += [record for record in records if isinstance(record, RenderCommand)]


class Writer:
    """The loop around the real batch."""

    def __init__(self, plain: Producer, ledger: Producer, codec: Codec, policy: Policy, found: Recovered) -> None:
        self.state, self.heads = found.state, found.heads
        self.life = Life()
        self._plain = plain
        self._ledger = ledger
        self._codec = codec
        self._policy = policy
        self._offsets = {"requests": self.heads.requests_position, "reports": self.heads.reports_position}

    def take(self, records: Sequence[Record]) -> None:
        """Put the records on the log, decide them in one batch, commit it."""
        batch = Batch(self.state, self.heads, self._codec, self._policy)
        for record in records:
            topic = TOPIC_OF[type(record)].name
            self._send(self._plain, topic, 0, self._codec.encode(record), b"k", self._codec.headers(record, "bench"))
            message: Any = SimpleNamespace(topic=topic, partition=0, offset=self._offsets[topic])
            self._offsets[topic] += 1
            batch.take(message, record)
        batch.follow_up()
        self._ledger.begin_transaction()
        for entry in batch.entries:
            self._send(self._ledger, entry.topic, entry.partition, entry.value, entry.key.encode(), entry.headers)
        self._ledger.commit_transaction()
        self.state, self.heads = batch.state, batch.heads
        self.life.saw(entry.record for entry in batch.entries)

    @staticmethod
    def _send(producer: Producer, topic: str, partition: int, value: bytes, key: bytes, headers: Headers) -> None:
        producer.produce(topic, value, key, partition, headers=[*headers])
        producer.poll(0)


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
