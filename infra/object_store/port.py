"""The port every object store implements: immutable files by key, each with its recorded sha256."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class StoredObject(Struct, frozen=True):
    """What a store knows about an object. `size` in bytes, `sha256` in lower-case hex of the whole content.

    An object that another program put into the bucket has no recorded hash: its `sha256` is "".
    """

    key: str
    sha256: str
    size: int
    content_type: str


class NewObject(Struct, frozen=True):
    """A file that is to be stored under `key`."""

    key: str
    data: bytes | Path
    content_type: str


class ObjectStore(Protocol):
    """Files by key. A key is overwritten as a whole or not at all; readers see the old or the new object, never a mix.

    Every method raises `ContractError` for a bad argument (see `check_key`) and `StoreError` when the store is away.
    """

    async def put(self, key: str, data: bytes | Path, content_type: str) -> StoredObject:
        """Store bytes, or the content of a file without holding it in memory. Durable when it returns."""
        ...

    async def put_all(self, files: Sequence[NewObject]) -> Sequence[StoredObject]:
        """Store several files, at the price of one where the store can, and read back what is recorded of them.

        Raises `StoreError` also when one of them is not there as it was written; others may be there then.
        """
        ...

    async def get(self, key: str, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """The whole object, checked against its sha256.

        Raises `ObjectMissingError`, `ContractError` if it is larger than `max_bytes`, `StoreError` on a wrong hash.
        """
        ...

    async def get_to_file(self, key: str, path: Path) -> StoredObject:
        """Write the object to `path` (whole and checked, or nothing). Raises like `get`, without a limit."""
        ...

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Chunks of bytes `start` up to but not including `end`; None and anything beyond the object mean its end.

        Raises `ObjectMissingError`, and `ContractError` if `start` lies beyond the end.
        """
        ...

    async def stat(self, key: str) -> StoredObject | None:
        """What is recorded of the object, None if there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; no error if there is none."""
        ...

    def list(self, prefix: str = "", *, older_than_s: float | None = None) -> AsyncIterator[StoredObject]:
        """Objects whose key starts with `prefix`, in order of their keys.

        `older_than_s` keeps only objects last written at least that many seconds ago, so that a collector leaves
        uploads alone whose event is still on its way.
        """
        ...

    async def signed_url(
        self, key: str, expires_s: int, filename: str | None = None, content_type: str | None = None
    ) -> str:
        """A URL that lets its bearer GET this one object for `expires_s` seconds (1 s to 7 days).

        With `filename` a browser saves the answer under that name; `content_type` overrides the recorded one.
        """
        ...
