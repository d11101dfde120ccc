"""Signed URLs as the edge hands them out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from infra.object_store.port import ObjectStore

URL_SECONDS = 300


def signer(store: ObjectStore) -> Callable[[str], Awaitable[str]]:
    """A function from an object key to a URL that is good for five minutes."""

    async def sign(key: str) -> str:
        return await store.signed_url(key, URL_SECONDS)

    return sign
