"""Exporting topics: partition by partition, with bounded memory, from where the last run of the same folder ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.crash_points import reach
from infra.export import manifest as manifests
from infra.export.entry import Entry
from infra.export.manifest import Manifest
from infra.export.parts import Format, Parts
from infra.kafka import consuming, settled_end
from infra.kafka_admin import cluster_id, partitions_of
from infra.local.locks import try_exclusive
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.topics import BY_NAME

PART_RECORDS = 250_000
PART_BYTES = 256 * 1024 * 1024
MAX_OPEN = 48  # files; a partition whose records are of more days and kinds is committed in between
BATCH = 1000
_POLL_MS = 50
LOCK = ".lock"
_IDLE_POLLS = 1200  # a minute without a record or a step forward

Moved = Callable[[str, int, int], None]
"""Called with a topic, the offsets done and all offsets to do."""


class Window(Struct, frozen=True, kw_only=True):
    """Which piece of each partition: from the first record at or after `since`, up to the first at or after `until`."""

    since: datetime | None = None
    until: datetime | None = None


class Exported(Struct, kw_only=True):
    """What one run added, `size` in bytes. `expired` offsets were gone before it could read them; `removed` counts
    unfinished files of a killed run that were deleted.
    """

    records: int = 0
    files: int = 0
    size: int = 0
    expired: int = 0
    removed: int = 0


class Span(Struct, frozen=True):
    """Offsets to read of one partition: `start` to `end` (exclusive)."""

    place: TopicPartition
    start: int
    end: int


async def export(
    bootstrap: str, folder: Path, made_by: Format, topics: Sequence[str], window: Window, moved: Moved
) -> Exported:
    """Add to `folder` what the topics hold beyond its manifest; a run that was killed leaves nothing half done.

    Raises `ConfigurationError` for an unknown topic or a folder with another export, `InfrastructureError` if Kafka is
    away.
    """
    if unknown := [name for name in topics if name not in BY_NAME]:
        raise ConfigurationError(f"no such topic: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    folder.mkdir(parents=True, exist_ok=True)
    lock = try_exclusive(folder / LOCK)
    if lock is None:
        raise ConfigurationError(f"another export is writing to {folder}")
    with lock:
        return await _export(bootstrap, folder, made_by, topics, window, moved)


async def _export(
    bootstrap: str, folder: Path, made_by: Format, topics: Sequence[str], window: Window, moved: Moved
) -> Exported:
    places = await partitions_of(bootstrap, topics)
    manifest = _opened(folder, made_by.name, await cluster_id(bootstrap), window)
    manifest.whole = set(topics) == set(BY_NAME) and window == Window()
    manifests.save(folder, manifest)
    done = Exported(removed=len(manifests.sweep(folder, manifest, BY_NAME)))
    ends = await settled_end(bootstrap, places)
    run, known = _Run(folder, made_by, manifest, done), manifest.expired
    try:
        async with consuming(bootstrap, auto_offset_reset="earliest") as consumer:
            spans = await _spans(consumer, ends, window, manifest)
            done.expired = manifest.expired - known
            total, passed = sum(span.end - span.start for span in spans), 0
            for span in spans:
                async for position in _read(consumer, span, run):
                    moved(span.place.topic, passed + position - span.start, total)
                passed += span.end - span.start
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error
    return done


class _Run:
    """Parts and manifest of one run."""

    def __init__(self, folder: Path, made_by: Format, manifest: Manifest, done: Exported) -> None:
        self._folder = folder
        self._format = made_by
        self._manifest = manifest
        self._done = done
        self._parts = Parts(folder, made_by)

    def add(self, entries: Sequence[Entry]) -> None:
        self._parts.add(entries)

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        parts = self._parts
        return parts.records >= PART_RECORDS or parts.size >= PART_BYTES or parts.files >= MAX_OPEN

    def commit(self, place: TopicPartition, position: int) -> None:
        """Publish the files, then the manifest that lists them: a crash in between costs the files, never a record."""
        files = self._parts.finish()
        reach("export.before_manifest")
        self._manifest.files += files
        self._manifest.schemas |= self._format.schemas()
        self._manifest.positions[_name(place)] = position
        manifests.save(self._folder, self._manifest)
        self._done.files += len(files)
        self._done.records += sum(file.records for file in files)
        self._done.size += sum(file.size for file in files)


def _opened(folder: Path, made_as: str, cluster: str, window: Window) -> Manifest:
    since = window.since.isoformat() if window.since else ""
    found = manifests.load(folder)
    if found is None:
        if any(folder.glob("*/date=*")):
            raise ConfigurationError(f"{folder} holds parts of an export but no {manifests.NAME}; name another folder")
        return Manifest(format=made_as, cluster=cluster, since=since)
    wanted = (("--format", found.format, made_as), ("cluster", found.cluster, cluster), ("--since", found.since, since))
    for name, old, new in wanted:
        if old != new:
            raise ConfigurationError(
                f"{folder} holds an export with {name} {old or 'not given'}, not {new or 'without it'}; name another folder"
            )
    return found


async def _spans(consumer: Any, ends: Mapping[TopicPartition, int], window: Window, manifest: Manifest) -> list[Span]:
    """What is to be read; partitions with nothing new are left out."""
    begins = await consumer.beginning_offsets(list(ends))
    starts = await _at(consumer, ends, window.since) if window.since else begins
    stops = await _at(consumer, ends, window.until) if window.until else ends
    spans = []
    for place, end in ends.items():
        known = manifest.positions.get(_name(place))
        if known is not None and known > end:
            raise ConfigurationError(
                f"{_name(place)} ends at offset {end} but was exported up to {known}: it is another log"
            )
        manifest.expired += max(0, begins[place] - known) if known is not None else 0
        start, stop = max(begins[place], starts[place] if known is None else known), min(end, stops[place])
        if start < stop:
            spans.append(Span(place, start, stop))
    return spans


async def _at(consumer: Any, ends: Mapping[TopicPartition, int], time: datetime) -> dict[TopicPartition, int]:
    """Offsets of the first records at or after a time; the end where there is none."""
    found = await consumer.offsets_for_times(dict.fromkeys(ends, int(time.timestamp() * 1000)))
    return {place: end if found[place] is None else int(found[place].offset) for place, end in ends.items()}


async def _read(consumer: Any, span: Span, run: _Run) -> AsyncIterator[int]:
    """Read a span into the run's files; yields positions on the way."""
    consumer.assign([span.place])
    consumer.seek(span.place, span.start)
    position, idle = span.start, 0
    while position < span.end:
        batches = await consumer.getmany(span.place, timeout_ms=_POLL_MS, max_records=BATCH)
        entries = [Entry.of(message) for message in batches.get(span.place, []) if message.offset < span.end]
        if entries:
            run.add(entries)
        before, position = position, min(span.end, await consumer.position(span.place))
        idle = 0 if entries or position > before else idle + 1
        if idle > _IDLE_POLLS:
            raise InfrastructureError(
                f"{_name(span.place)} gives nothing after offset {position}, it goes to {span.end}"
            )
        if position >= span.end or run.full:
            run.commit(span.place, position)
        yield position


def _name(place: TopicPartition) -> str:
    return f"{place.topic}/{place.partition}"
