"""The hash that tells work whose result is the same, so that a stored result can be taken instead of rendering again."""

from __future__ import annotations

import msgspec

from api.planning.call import Seal

PLANNING = 1  # to be raised when the same body leads to other stages than before


def reuse_hash(seal: Seal, kind: str, seed: int | None, *content: object) -> str:
    """HMAC under the account's key, so that the log tells nothing about equal prompts of two accounts.

    `content` is everything that the result depends on and that the API knows: engines, prompts, parameters, seeds, the
    revisions of characters, keys of pictures. "" without an explicit seed: such work is meant to differ each time.
    """
    if seed is None:
        return ""
    return seal.digest(f"reuse.{kind}", [PLANNING, msgspec.to_builtins(content)])
