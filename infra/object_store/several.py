"""Several objects at once, for stores to which each one is a call of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from infra.object_store.port import NewObject, ObjectStore, StoredObject
from schemas.errors import StoreError


async def put_each(store: ObjectStore, files: Sequence[NewObject]) -> list[StoredObject]:
    """What `ObjectStore.put_all` promises, by `put` and `stat`."""
    return list(await asyncio.gather(*(_put(store, file) for file in files)))


async def _put(store: ObjectStore, file: NewObject) -> StoredObject:
    stored = await store.put(file.key, file.data, file.content_type)
    return as_written(stored, await store.stat(file.key))


def as_written(stored: StoredObject, found: StoredObject | None) -> StoredObject:
    """What was stored, if that is what is found under its key. Raises `StoreError`."""
    if found is None or (found.sha256, found.size) != (stored.sha256, stored.size):
        raise StoreError(f"object {stored.key}: not there as it was written")
    return stored
