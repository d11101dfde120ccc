"""Waiting until a system is at rest: every accepted task has ended and every reader has read everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from infra.kafka import assigned, written_end
from infra.registry import load_codec
from infra.settings import Settings
from projections.catch_up import stored_cursors
from projections.postgres import create_pool
from projections.tables import PROJECTED
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import Codec
from schemas.tasks import TaskQueued
from schemas.topics import DECISIONS, REPORTS, REQUESTS, TASKS
from streams.ledger import TERMINAL
from tests.faults.checker.inspected import Inspected
from tests.faults.checker.reading import partitions_of

POLL_MS = 200
REST = 2.0  # seconds without a new report, after which one that changed nothing counts as read
WATCHED = (TASKS, DECISIONS, REQUESTS, REPORTS, *(topic for topic in PROJECTED if topic is not TASKS))


class NotQuietError(Exception):
    """The system is still at work; the message names what is missing."""


async def wait_quiet(settings: Settings, timeout: float, accepted: Collection[str] = ()) -> float:
    """Seconds until all tasks on the log and in `accepted` have ended and all lag was 0.

    Raises `NotQuietError` with what is missing after `timeout` seconds, errors of Kafka and PostgreSQL as they come.
    """
    began = time.monotonic()
    places = partitions_of(settings, WATCHED)
    watch = _Watch(await load_codec(settings), set(accepted))
    inspected = Inspected(settings)
    pool = await create_pool(settings.database_url, max_size=1, name="storyreel-checker")
    try:
        async with (
            assigned(settings.kafka, dict.fromkeys(places, 0), auto_offset_reset="earliest") as consumer,
            assigned(settings.kafka, {}, isolation_level="read_uncommitted") as ends,
        ):
            while True:
                await watch.read(consumer, await written_end(ends, places))
                cursors = {key: cursor.next_offset for key, cursor in (await stored_cursors(pool)).items()}
                missing = watch.missing(cursors) or await inspected.missing()
                if not missing:
                    return time.monotonic() - began
                if time.monotonic() - began > timeout:
                    raise NotQuietError(f"not quiet after {timeout:g} s: {'; '.join(missing)}")
    finally:
        await pool.close()


class _Watch:
    """What was read so far: tasks that are open, and how far the coordinator says it has read."""

    def __init__(self, codec: Codec, accepted: set[str]) -> None:
        self._codec = codec
        self._missing = accepted
        self._open: set[str] = set()
        self._positions = {REQUESTS.name: 0, REPORTS.name: 0}
        self._next: dict[tuple[str, int], int] = {}
        self._behind: dict[TopicPartition, int] = {}
        self._last_report = time.monotonic()

    async def read(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        """Take what is there; what is written but not committed yet stays behind."""
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=5_000)
        for messages in batches.values():
            for message in messages:
                self._next[message.topic, message.partition] = message.offset + 1
                self._take(message)
            await asyncio.sleep(0)
        positions = {place: await consumer.position(place) for place in ends}
        self._behind = {place: end - positions[place] for place, end in ends.items() if positions[place] < end}

    def _take(self, message: ConsumerRecord) -> None:
        if message.topic == REPORTS.name:
            self._last_report = time.monotonic()
        if message.topic not in (TASKS.name, DECISIONS.name):
            return
        try:
            record = self._codec.decode(message.value, message.topic)
        except ContractError:
            return
        assert isinstance(record, LedgerRecord)
        stamp = record.stamp
        for topic, position in ((REQUESTS.name, stamp.requests_position), (REPORTS.name, stamp.reports_position)):
            self._positions[topic] = max(self._positions[topic], position)
        if isinstance(record, TaskQueued):
            self._missing.discard(record.task_id)
            self._open.add(record.task_id)
        elif isinstance(record, TERMINAL):
            self._open.discard(record.task_id)

    def missing(self, cursors: Mapping[tuple[str, int], int]) -> list[str]:
        """Why the system is not quiet, in words."""
        found = [f"{place.topic}[{place.partition}] has {n} offsets unread" for place, n in self._behind.items()]
        if self._missing:
            found.append(f"{len(self._missing)} accepted tasks are not on the log: {_some(self._missing)}")
        if self._open:
            found.append(f"{len(self._open)} tasks are open: {_some(self._open)}")
        if (lag := self._next.get((REQUESTS.name, 0), 0) - self._positions[REQUESTS.name]) > 0:
            found.append(f"the coordinator has {lag} requests to read")
        unread = self._next.get((REPORTS.name, 0), 0) > self._positions[REPORTS.name]
        if unread and time.monotonic() - self._last_report < REST:
            found.append("a report came a moment ago")
        for topic in PROJECTED:
            for place, end in self._next.items():
                if place[0] == topic.name and (lag := end - cursors.get(place, 0)) > 0:
                    found.append(f"the read models have {lag} offsets of {topic.name}[{place[1]}] to read")
        return found


def _some(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:5])
