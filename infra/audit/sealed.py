"""Sealed fields in what people read: their size, or what is in them where the keystore is at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.keystore import KeyErasedError, KeyMissingError, SqliteKeystore, unseal_json
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.purposes import Purpose, aad

SEALED = "sealed"
_PURPOSES: Mapping[str, Purpose] = {
    "StageCompleted": "result",
    "CharacterReady": "result",
    "StoryboardDrafted": "result",
    "StageSucceededReport": "result",
    "RenderCommand": "spec",
    "CharacterSubmitted": "profile",
    "CharacterRegistered": "profile",
    "AssetSubmitted": "asset",
    "AssetRegistered": "asset",
    "WebhookSubmitted": "webhook",
    "WebhookRegistered": "webhook",
}

Show = Callable[[bytes, Purpose], Any]
"""A ciphertext and what it is for, to what is shown of it."""


def purpose_of(record: Record) -> Purpose:
    """What the record's own sealed field is for; those of stages and plans are specs."""
    return _PURPOSES.get(type(record).__name__, "request")


def closed(data: bytes, _purpose: Purpose) -> str:
    """The size alone."""
    return f"sealed {len(data)} bytes"


def opener(keystore: SqliteKeystore, account_id: str) -> Show:
    """What is in the ciphertexts of an account. Who was erased, or has no key here, stays closed and it says why."""

    def show(data: bytes, purpose: Purpose) -> Any:
        try:
            return {"opened": unseal_json(keystore.account_key(account_id), data, aad(account_id, purpose))}
        except KeyErasedError:
            return f"{closed(data, purpose)}, its key was erased"
        except KeyMissingError:
            return f"{closed(data, purpose)}, no key here"
        except ContractError as error:
            return f"{closed(data, purpose)}, {error}"

    return show


def shown(value: Any, show: Show, purpose: Purpose) -> Any:
    """Fields of a record as JSON types with every ciphertext as `show` has it; other bytes in hex."""
    if isinstance(value, Mapping):
        return {
            name: show(item, purpose) if name == SEALED and item else shown(item, show, "spec")
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [shown(item, show, "spec") for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
