"""The checker's part of a run: wait until all is quiet, collect the evidence, judge it."""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition
from msgspec import Struct

from infra.kafka import assigned, settled_end
from infra.registry import load_codec
from schemas.topics import TOPICS
from tests.faults.checker import Evidence, Violation, examine
from tests.faults.checker import Poison as Expected
from tests.faults.checker.records import Log, Logged, Raw
from tests.faults.harness.arena import Arena
from tests.faults.harness.load.book import Book


class Checked(Struct, kw_only=True):
    """What was found; `ledger` is everything the coordinators wrote, in order."""

    violations: list[Violation]
    checked: Counter[str]
    ledger: list[Logged]
    quiet_s: float | None


async def judge(arena: Arena, book: Book) -> Checked:
    settings = arena.settings
    places = [
        TopicPartition(t.name, n)
        for t in TOPICS
        for n in (range(settings.device_slots) if t.partitions == "slots" else (0,))
    ]
    ends = await settled_end(settings.kafka, places)
    found: dict[tuple[str, int], list[Raw]] = {(p.topic, p.partition): [] for p in places}
    async with assigned(settings.kafka, dict.fromkeys(places, 0), auto_offset_reset="earliest") as consumer:
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, batch in (await consumer.getmany(timeout_ms=200, max_records=5000)).items():
                found[place.topic, place.partition] += [Raw(m.offset, m.key, m.value, list(m.headers)) for m in batch]
    log = Log(await load_codec(settings), found)
    poison = [Expected(topic=p.topic, partition=p.partition, offset=p.offset) for p in arena.journal.poison]
    findings = examine(Evidence(log=log, accepted=book.accepted, replies=book.replies, poison=poison))
    return Checked(violations=findings.violations, checked=findings.checked, ledger=list(log.ledger()), quiet_s=None)
