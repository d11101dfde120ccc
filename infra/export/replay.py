"""Records of an archive in the order of their offsets, and how they are written to another cluster."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from infra.export.archive import read_entries
from infra.export.entry import Entry, schema_id_of
from infra.export.manifest import PartFile
from schemas.serde import HEADER, MAGIC

CHUNK = 1000


def in_order(folder: Path, files: Sequence[PartFile]) -> Iterator[Entry]:
    """All records of one partition; only files whose offsets overlap are open at once."""
    for group in overlapping(files):
        yield from heapq.merge(*(read_entries(folder / file.path) for file in group), key=attrgetter("offset"))


def overlapping(files: Iterable[PartFile]) -> Iterator[list[PartFile]]:
    """Files of one partition in groups that share no offsets, in order."""
    group: list[PartFile] = []
    end = -1
    for file in sorted(files, key=attrgetter("first")):
        if group and file.first > end:
            yield group
            group = []
        group.append(file)
        end = max(end, file.last)
    if group:
        yield group


def has_hole(files: Sequence[PartFile], end: int) -> bool:
    """Whether offsets are missing between the first record of a partition and `end` (exclusive)."""
    return bool(files) and sum(file.records for file in files) != end - min(file.first for file in files)


def reframed(entry: Entry, ids: Mapping[int, int]) -> bytes | None:
    """The value with the id that another registry gave its schema; the body, which the ledger's hash covers, stays."""
    schema_id = schema_id_of(entry.value)
    if entry.value is None or schema_id is None or ids.get(schema_id, schema_id) == schema_id:
        return entry.value
    return HEADER.pack(MAGIC, ids[schema_id]) + entry.value[HEADER.size :]


async def send_all(producer: Any, entries: Iterable[Entry], ids: Mapping[int, int]) -> AsyncIterator[int]:
    """Write records to their topics and partitions in order; yields how many were acknowledged each time.

    A record with neither key nor value, which no writer of ours makes and aiokafka refuses, gets an empty value.
    """
    waiting = []
    for entry in entries:
        value = reframed(entry, ids)
        waiting.append(
            await producer.send(
                entry.topic,
                b"" if value is None and entry.key is None else value,
                key=entry.key,
                partition=entry.partition,
                timestamp_ms=entry.timestamp,
                headers=list(entry.headers),
            )
        )
        if len(waiting) >= CHUNK:
            await asyncio.gather(*waiting)
            yield len(waiting)
            waiting = []
    await asyncio.gather(*waiting)
    yield len(waiting)
