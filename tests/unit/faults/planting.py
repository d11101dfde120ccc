"""Spoiling a clean history: records that are forged, changed, lost or added."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from msgspec.structs import replace

from schemas.envelope import Envelope, LedgerRecord
from schemas.errors import ContractError
from schemas.topics import TOPIC_OF
from streams import ledger
from tests.faults.checker import Evidence, check
from tests.faults.checker.records import Place
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.town import Town


@cache
def _history() -> Town:
    made = Town()
    made.images("one", 2)
    made.report("start", "one")
    made.report("fail", "one")
    made.film("film")
    made.upload("asset")
    made.bad_bytes("requests", b"\x00nothing")
    made.bad_bytes("reports", b"\x00nothing")
    made.images("two")
    made.joins("boot-2")
    made.report("succeed", "two", epoch=1)
    made.cancel("film")
    made.finish()
    return made


def full_history() -> Town:
    """Everything that is legal: a retry, a lost device, a cancel, an upload, poison, a report of an old epoch."""
    made = _history()
    copy = Town.__new__(Town)
    vars(copy).update(vars(made))
    copy.partitions = made.partitions.copy()
    for place, raws in made.partitions.items():
        copy.partitions[place] = list(raws)
    copy.markers = made.markers.copy()
    copy.objects = dict(made.objects)
    copy.accepted, copy.poison = list(made.accepted), list(made.poison)
    return copy


def find(town: Town, kind: type[Any], **fields: Any) -> tuple[Place, int, Any]:
    """The first record of a kind with these fields: its partition, its index there and what it says."""
    for place, raws in town.partitions.items():
        for index, raw in enumerate(raws if place[0] == TOPIC_OF[kind].name else ()):
            try:
                record = CODEC.decode(raw.value)
            except ContractError:
                continue
            if isinstance(record, kind) and all(getattr(record, name) == value for name, value in fields.items()):
                return place, index, record
    raise LookupError(f"{kind.__name__} {fields}")


def forge(town: Town, draft: LedgerRecord, aggregate: str, cause: str = "forged", account: str = "ann") -> None:
    """Append a record whose numbers, chain and time are right, as if the coordinator had decided so."""
    draft = replace(draft, envelope=Envelope(account_id=account, aggregate_id=aggregate))
    town.heads, entry = ledger.append(town.heads, town.state, draft, cause, datetime.now(UTC), CODEC)
    town.append(entry.topic, entry.value, entry.key.encode(), entry.partition, list(entry.headers))


def edit(town: Town, kind: type[Any], change: Callable[[Any], Any], **fields: Any) -> None:
    """Change what a record says, leaving it where it is."""
    place, index, record = find(town, kind, **fields)
    town.partitions[place][index] = replace(town.partitions[place][index], value=CODEC.encode(change(record)))


def lose(town: Town, kind: type[Any], **fields: Any) -> None:
    """Take a record away."""
    place, index, _ = find(town, kind, **fields)
    del town.partitions[place][index]


def found(evidence: Evidence, invariant: str, *words: str) -> str:
    """The violation of the invariant that contains the words; fails if there is none."""
    lines = [str(one) for one in check(evidence)]
    hits = [line for line in lines if line.startswith(f"{invariant} ") and all(word in line for word in words)]
    assert hits, lines
    return hits[0]
