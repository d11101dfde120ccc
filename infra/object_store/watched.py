"""A store whose owner is told whether its last call worked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.object_store.port import DEFAULT_MAX_BYTES, NewObject, ObjectStore, StoredObject
from schemas.errors import ObjectMissingError, StoreError


class WatchedObjectStore:
    """Hands every call on. `told` gets the error's words after a `StoreError` and "" after a call that worked."""

    def __init__(self, store: ObjectStore, told: Callable[[str], None]) -> None:
        self._store = store
        self._told = told

    async def put(self, key: str, data: bytes | Path, content_type: str) -> StoredObject:
        """As the store does."""
        with self._watched():
            return await self._store.put(key, data, content_type)

    async def put_all(self, files: Sequence[NewObject]) -> Sequence[StoredObject]:
        """As the store does."""
        with self._watched():
            return await self._store.put_all(files)

    async def get(self, key: str, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """As the store does."""
        with self._watched():
            return await self._store.get(key, max_bytes)

    async def get_to_file(self, key: str, path: Path) -> StoredObject:
        """As the store does."""
        with self._watched():
            return await self._store.get_to_file(key, path)

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """As the store does."""
        with self._watched():
            async for chunk in self._store.open_range(key, start, end):
                yield chunk

    async def stat(self, key: str) -> StoredObject | None:
        """As the store does."""
        with self._watched():
            return await self._store.stat(key)

    async def delete(self, key: str) -> None:
        """As the store does."""
        with self._watched():
            await self._store.delete(key)

    async def list(self, prefix: str = "", *, older_than_s: float | None = None) -> AsyncIterator[StoredObject]:
        """As the store does."""
        with self._watched():
            async for found in self._store.list(prefix, older_than_s=older_than_s):
                yield found

    async def signed_url(
        self, key: str, expires_s: int, filename: str | None = None, content_type: str | None = None
    ) -> str:
        """As the store does."""
        return await self._store.signed_url(key, expires_s, filename, content_type)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except ObjectMissingError:
            self._told("")  # it answered
            raise
        except StoreError as error:
            self._told(str(error))
            raise
        self._told("")
