"""What a ciphertext is for: bound into it as associated data, so that one can never pass for another."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["spec", "request", "result", "profile", "asset", "webhook"]


def aad(account_id: str, purpose: Purpose) -> bytes:
    """Associated data of a sealed field: `ACCOUNT:PURPOSE`. A storyboard's draft is the "result" of its script stage."""
    return f"{account_id}:{purpose}".encode()
