"""Streams of an account that is erased while somebody listens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, TypeVar

T = TypeVar("T")


class Tombstones(Protocol):
    """The keystore as far as erasures go."""

    def is_erased(self, account_id: str) -> bool:
        """Whether the account's key was destroyed."""
        ...


async def until_erased(
    frames: AsyncGenerator[T, None], keystore: Tombstones, account_id: str
) -> AsyncGenerator[T, None]:
    """The frames as long as the account exists: its stream ends before the next event or sign of life."""
    async with aclosing(frames) as open_frames:
        async for frame in open_frames:
            if keystore.is_erased(account_id):
                return
            yield frame
