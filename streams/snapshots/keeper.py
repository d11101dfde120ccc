"""When the active coordinator saves its state and marks the end of its ledger."""

from __future__ import annotations

import asyncio
import logging
import time

from infra.settings import Settings
from schemas.errors import StoreError
from schemas.serde import Codec
from schemas.snapshots import LedgerMarked, SnapshotRef
from schemas.topics import SNAPSHOTS
from streams.ledger import SOURCE
from streams.loop import Loop
from streams.snapshots.marks import mark_of
from streams.snapshots.shelf import KEEP, Shelf

log = logging.getLogger(__name__)
REST = 10.0  # seconds without a decision after which the end is marked
LEAVE_SHARE = 10  # leaving saves from a tenth of the usual number of events on
_LOOK_EVERY = 0.25
_RETRY = 30.0  # seconds until the next try when the object store is away


class Keeper:
    """Beside a `Loop`, whose producer writes the marks: one that was fenced can announce nothing."""

    def __init__(self, loop: Loop, shelf: Shelf, settings: Settings, codec: Codec, mark: LedgerMarked | None) -> None:
        self._loop = loop
        self._shelf = shelf
        self._codec = codec
        self._every = settings.snapshot_events
        self._kept: list[SnapshotRef] = list(mark.snapshots) if mark is not None else []
        self._saved_at = max((ref.shard_seq for ref in self._kept), default=0)
        self._marked_at = mark.shard_seq if mark is not None else 0

    async def keep(self) -> None:
        """Save and mark whenever it is due, for ever. Raises `KafkaError`, also when fenced."""
        while True:
            if self._unsaved >= self._every:
                try:
                    await self._save()
                except StoreError as error:
                    log.warning("no snapshot: %s; tried again in %s s", error, _RETRY)
                    await asyncio.sleep(_RETRY)
            elif self._unmarked and time.monotonic() - self._loop.idle_since >= REST:
                await self._mark()
            await asyncio.sleep(_LOOK_EVERY)

    async def leave(self) -> None:
        """Before the process ends: save what would take long to fold, else mark the end."""
        if self._unsaved >= max(1, self._every // LEAVE_SHARE):
            try:
                await self._save()
            except StoreError as error:
                log.warning("no snapshot: %s", error)
        if self._unmarked:
            await self._mark()

    @property
    def _unsaved(self) -> int:
        return self._loop.found.heads.shard_seq - self._saved_at

    @property
    def _unmarked(self) -> bool:
        return self._loop.found.heads.shard_seq > self._marked_at

    async def _save(self) -> None:
        ref = await self._shelf.put(self._loop.found)
        self._kept = [ref, *self._kept][:KEEP]
        await self._mark()
        self._saved_at = ref.shard_seq
        log.info("the snapshot of shard_seq %d is announced: the next start goes on from there", ref.shard_seq)
        await self._shelf.prune(self._kept)

    async def _mark(self) -> None:
        mark = mark_of(self._loop.found, self._kept)
        key, headers = str(mark.shard).encode(), self._codec.headers(mark, SOURCE)
        await self._loop.write([(SNAPSHOTS.name, mark.shard, key, self._codec.encode(mark), headers)])
        self._marked_at = mark.shard_seq
