"""Recorded ledgers for audits: what the coordinator's own code wrote, as bytes with offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

import streams.ledger
from infra.audit.auditor import Auditor, Result
from infra.audit.events import Place, Raw
from infra.audit.following import Bounds
from infra.audit.notes import SOURCE, Keys, key_id
from infra.audit.sealing import Sealer
from schemas.checkpoints import CheckpointSigned
from schemas.common import StageKind, StagePlan
from schemas.envelope import LedgerRecord
from schemas.ids import derived_id
from schemas.requests import CharacterSubmitted, QuotaLimitRequested
from schemas.serde import chain_hash, encode_body
from schemas.topics import CHECKPOINTS, LEDGER_TOPICS
from streams.ledger import GENESIS
from tests.faults.simulation.owner import CODEC
from tests.faults.simulation.world import World
from tests.unit.faults.town import Town

LEDGER = {topic.name for topic in LEDGER_TOPICS}
NOW = datetime(2030, 1, 1, tzinfo=UTC)
Ledger = dict[Place, list[Raw]]


def of_town(town: Town) -> Ledger:
    """What a town's coordinator wrote."""
    return {
        place: [_raw(place, one.offset, one.key, one.value, one.headers) for one in records]
        for place, records in town.partitions.items()
        if place[0] in LEDGER
    }


def of_world(world: World) -> Ledger:
    """What a simulated coordinator wrote under faults; a transaction ends with a marker in every partition it wrote to."""
    made: Ledger = defaultdict(list)
    markers: dict[Place, int] = defaultdict(int)
    for transaction in world.log.transactions:
        for entry in transaction.entries:
            place = (entry.topic, entry.partition)
            offset = len(made[place]) + markers[place]
            made[place].append(_raw(place, offset, entry.key.encode(), entry.value, entry.headers))
        for place in {(entry.topic, entry.partition) for entry in transaction.entries}:
            markers[place] += 1
    return dict(made)


def _raw(place: Place, offset: int, key: bytes | None, value: bytes | None, headers: Sequence[Any]) -> Raw:
    return Raw(*place, offset, key, value, tuple((name, data) for name, data in headers))


def in_order(ledger: Ledger) -> list[Raw]:
    """All records by shard_seq; for ledgers that are sound."""
    raws = [raw for records in ledger.values() for raw in records]
    return sorted(raws, key=lambda raw: CODEC.decode_as(raw.value, LedgerRecord).stamp.shard_seq)


def rechained(ledger: Ledger, change: Callable[[LedgerRecord], LedgerRecord]) -> Ledger:
    """The ledger with changed records and sound hashes and headers, as only its writer could make it."""
    made: Ledger = {place: [] for place in ledger}
    previous = GENESIS
    for raw in in_order(ledger):
        record = change(CODEC.decode_as(raw.value, LedgerRecord))
        record = replace(record, stamp=replace(record.stamp, prev_hash=previous))
        body = encode_body(record)
        previous = chain_hash(previous, type(record), body)
        headers = tuple(CODEC.headers(record, streams.ledger.SOURCE))
        made[raw.place].append(replace(raw, value=CODEC.frame(type(record), body), headers=headers))
    return made


class Signer:
    """Signs a recorded ledger as the auditor process does."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.keys: Keys = {key_id(self.key.public_key()): self.key.public_key()}

    def checkpoints(self, ledger: Ledger, ends: Sequence[int], now: datetime = NOW) -> list[Raw]:
        """Checkpoints that end at these numbers."""
        made: list[CheckpointSigned] = []
        for end in ends:
            sealer = Sealer(CODEC, bounds_of(ledger), made[-1] if made else None)
            before = made[-1].last_shard_seq if made else 0
            for raw in in_order(ledger)[before:end]:
                sealer.take(raw)
            for place in ledger:
                sealer.close(place)
            sealer.advance()
            checkpoint = sealer.seal(self.key, now)
            assert checkpoint is not None
            assert checkpoint.last_shard_seq == end
            made.append(checkpoint)
        return [as_raw(checkpoint, offset) for offset, checkpoint in enumerate(made)]


def bounds_of(ledger: Ledger, begins: Mapping[Place, int] | None = None) -> dict[Place, Bounds]:
    """Everything that is there."""
    return {
        place: Bounds(begin=(begins or {}).get(place, 0), end=records[-1].offset + 1 if records else 0)
        for place, records in ledger.items()
    }


def as_raw(checkpoint: CheckpointSigned, offset: int) -> Raw:
    """A checkpoint as it lies on its topic."""
    headers = tuple(CODEC.headers(checkpoint, SOURCE))
    key = str(checkpoint.shard).encode()
    return Raw(CHECKPOINTS.name, checkpoint.shard, offset, key, CODEC.encode(checkpoint), headers)


def audit(
    ledger: Ledger,
    checkpoints: Sequence[Raw] = (),
    keys: Keys | None = None,
    begins: Mapping[Place, int] | None = None,
    **options: Any,
) -> Result:
    """The result of an audit that reads partition after partition."""
    bounds = bounds_of(ledger, begins)
    auditor = Auditor(CODEC, bounds, checkpoints, keys or {}, **options)
    for records in ledger.values():
        for raw in records:
            auditor.take(raw)
    return auditor.finish()


def busy_ledger() -> Ledger:
    """Some hundred events of every kind: pictures, films, cancellations, retries, holds, uploads, lost devices."""
    town = Town()
    town.images("task-a", 2)
    town.film("task-b")
    town.images("task-c", 3)
    town.finish()
    town.upload("asset-a")
    town.images("task-d", 1)
    town.report("start", "task-d")
    town.report("fail", "task-d")
    town.finish()
    town.images("task-e", 2)
    town.report("start", "task-e")
    town.cancel("task-e")
    town.leaves("boot-1")
    town.joins("boot-2")
    town.images("task-f", 2)
    town.film("task-g")
    town.finish()
    town.ask(CharacterSubmitted(request=town.info("task-h"), character_id="character-a", stages=[embedding()]))
    town.ask(QuotaLimitRequested(request=town.info("limit"), resource="images", limit=500))
    town.finish()
    town.images("task-i", 4)
    town.finish()
    return rechained(of_town(town), correlated)


def correlated(record: LedgerRecord) -> LedgerRecord:
    """With a correlation id, as the requests of the API have one."""
    about = record.envelope.aggregate_id
    return replace(record, envelope=replace(record.envelope, correlation_id=derived_id("request", about)))


def embedding() -> StagePlan:
    return StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="null")
