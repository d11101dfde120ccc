"""What can be wrong with a key."""

from __future__ import annotations

from schemas.errors import StoryreelError


class KeyMissingError(StoryreelError):
    """The account never had a key."""

    code = "key_missing"


class KeyErasedError(StoryreelError):
    """The account's key was destroyed; what it sealed can never be read again."""

    code = "key_erased"
