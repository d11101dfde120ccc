"""Encryption under one account's key, as the edge uses it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from infra.keystore import DataKey, digest, seal, seal_json, unseal_json
from schemas.purposes import Purpose, aad
from schemas.specs import Spec

T = TypeVar("T")


class AccountSeal:
    """Seals and opens what belongs to the account of `key`."""

    def __init__(self, key: DataKey) -> None:
        self._key = key
        self._account_id = key.account_id

    def spec(self, spec: Spec) -> bytes:
        """Ciphertext of a stage's spec."""
        return seal(self._key, spec, aad(self._account_id, "spec"))

    def json(self, value: object, purpose: Purpose) -> bytes:
        """Ciphertext of a JSON object."""
        return seal_json(self._key, msgspec.convert(value, dict[str, Any]), aad(self._account_id, purpose))

    def open(self, sealed: bytes, purpose: Purpose) -> dict[str, Any]:
        """The JSON object, {} when there is none. Raises `ContractError` for a ciphertext of anything else."""
        return unseal_json(self._key, sealed, aad(self._account_id, purpose)) if sealed else {}

    def digest(self, operation: str, canonical: object) -> str:
        """Hash that tells equal requests: HMAC of the operation and the sorted JSON of what was asked."""
        encoded = msgspec.json.encode([operation, canonical], order="deterministic")
        return digest(self._key, encoded)
