"""Snapshots in the object store: written in slices beside the work, found again by the mark, two kept."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import time
from collections.abc import Sequence

from msgspec.structs import replace

from infra.object_store import ObjectStore, create_object_store
from infra.settings import Settings
from projections.log_identity import log_identities
from schemas.errors import ContractError, StoreError
from schemas.snapshots import LedgerMarked, SnapshotRef
from schemas.topics import LEDGER_TOPICS, REPORTS, REQUESTS
from streams.recovery import Recovered
from streams.snapshots.format import Identity, pack, unpack

log = logging.getLogger(__name__)
KEEP = 2
CONTENT_TYPE = "application/octet-stream"
_LONGEST_SLICE = 0.005  # seconds of work before the event loop has its turn


class Shelf:
    """The snapshots of one shard of one log."""

    def __init__(self, store: ObjectStore, identity: Identity) -> None:
        self._store = store
        self._identity = identity
        self._prefix = f"snapshots/{identity.cluster_id}/{identity.shard}/"

    async def load(self, mark: LedgerMarked | None) -> Recovered | None:
        """The newest snapshot that can be used, None when there is none: then the log is folded from its beginning."""
        for ref in mark.snapshots if mark is not None else []:
            began = time.monotonic()
            try:
                found = await self._read(ref)
            except (ContractError, StoreError) as error:
                log.error("snapshot %s is not used: %s", ref.key, error)  # noqa: TRY400 - the cause is the message
            else:
                seconds = time.monotonic() - began
                log.info("read the snapshot of shard_seq %d: %d bytes in %.2f s", ref.shard_seq, ref.size, seconds)
                return found
        return None

    async def put(self, found: Recovered) -> SnapshotRef:
        """Save a state. Raises `StoreError` when the store is away."""
        began, parts, worked = time.monotonic(), [], time.monotonic()
        for part in pack(found, self._identity):
            parts.append(part)
            if (busy := time.monotonic() - worked) > _LONGEST_SLICE:
                await asyncio.sleep(busy)  # half of the time at most
                worked = time.monotonic()
        data, shard_seq = b"".join(parts), found.heads.shard_seq
        key = f"{self._prefix}{shard_seq:020d}-{secrets.token_hex(4)}.snap"
        stored = await self._store.put(key, data, CONTENT_TYPE)
        log.info("snapshot of shard_seq %d: %d bytes in %.2f s", shard_seq, stored.size, time.monotonic() - began)
        return SnapshotRef(key=key, sha256=stored.sha256, size=stored.size, shard_seq=shard_seq)

    async def prune(self, kept: Sequence[SnapshotRef]) -> None:
        """Delete all that is not kept, announced or not, but for what is newer: who comes later may have written it meanwhile.

        The newest of `kept` is announced, so whoever saved an older one and has not announced it yet is fenced and never will.
        """
        keys = {ref.key for ref in kept}
        newest = max(keys)
        old = [found.key async for found in self._store.list(self._prefix) if found.key < newest]
        for key in old:
            if key not in keys:
                await self._store.delete(key)

    async def _read(self, ref: SnapshotRef) -> Recovered:
        stored = await self._store.stat(ref.key)
        if stored is None or stored.sha256 != ref.sha256:
            raise ContractError("the object is missing or another one")
        data = await self._store.get(ref.key, max_bytes=ref.size)
        found = await asyncio.to_thread(_unpacked, data, self._identity)
        if found.heads.shard_seq != ref.shard_seq:
            raise ContractError(f"it ends at shard_seq {found.heads.shard_seq}, not at {ref.shard_seq}")
        return replace(found, events=0)


async def shelf_of(settings: Settings, shard: int) -> Shelf:
    """The shelf of this log. Raises `InfrastructureError` when the broker does not answer."""
    topics = [topic.name for topic in (*LEDGER_TOPICS, REQUESTS, REPORTS)]
    ids = await log_identities(settings, topics)
    cluster_id = ids[REQUESTS.name].cluster_id
    identity = Identity.here(cluster_id, {topic: found.topic_id for topic, found in ids.items()}, shard)
    return Shelf(create_object_store(settings, secrets.token_bytes(32)), identity)


def _unpacked(data: bytes, identity: Identity) -> Recovered:
    """Without the cycle collector, which would look at every new object again and again."""
    gc.disable()
    try:
        return unpack(data, identity)
    finally:
        gc.enable()
