"""Personal fields as ciphertext.

Format: 1 byte version (1), 12 bytes random nonce, AES-256-GCM ciphertext with its 16-byte tag. The plaintext is JSON.
Associated data: the version, the length of the account id (4 bytes, big endian), the account id, the caller's `aad`
(`schemas.purposes.aad`), so that a ciphertext cannot be moved to another account or pass for something else.
NIST SP 800-38D bounds random nonces to 2^32 messages a key, far above what one account makes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from msgspec import Struct

from infra.keystore.data_key import NONCE_BYTES, DataKey
from schemas.errors import ContractError
from schemas.specs import Spec

T = TypeVar("T")

VERSION = 1
_OVERHEAD = 1 + NONCE_BYTES + 16


def seal(key: DataKey, spec: Struct, aad: bytes) -> bytes:
    """Ciphertext of a record."""
    return seal_bytes(key, msgspec.json.encode(spec), aad)


def unseal(key: DataKey, data: bytes, aad: bytes, kind: type[T]) -> T:
    """The record of type `kind`. Raises `ContractError`, which never quotes the content."""
    value: T = _decode(unseal_bytes(key, data, aad), kind, kind.__name__)
    return value


def unseal_spec(key: DataKey, data: bytes, aad: bytes) -> Spec:
    """A spec of any kind, told apart by its tag. Raises `ContractError`."""
    spec: Spec = _decode(unseal_bytes(key, data, aad), Spec, "spec")
    return spec


def seal_json(key: DataKey, value: dict[str, Any], aad: bytes) -> bytes:
    """Ciphertext of a plain JSON object."""
    return seal_bytes(key, msgspec.json.encode(value), aad)


def unseal_json(key: DataKey, data: bytes, aad: bytes) -> dict[str, Any]:
    """The JSON object. Raises `ContractError`."""
    value: dict[str, Any] = _decode(unseal_bytes(key, data, aad), dict[str, Any], "JSON object")
    return value


def digest(key: DataKey, data: bytes) -> str:
    """HMAC-SHA256 in hex under the account's own key: equal content is found again within an account, not across."""
    return hmac.digest(key.mac_key, data, hashlib.sha256).hex()


def seal_bytes(key: DataKey, plain: bytes, aad: bytes) -> bytes:
    """Ciphertext of any bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return bytes([VERSION]) + nonce + key.cipher.encrypt(nonce, plain, _bound(key, aad))


def unseal_bytes(key: DataKey, data: bytes, aad: bytes) -> bytes:
    """The plaintext. Raises `ContractError` for another version, account, purpose or any changed byte."""
    if len(data) < _OVERHEAD:
        raise ContractError(f"sealed data: {len(data)} bytes, at least {_OVERHEAD} are needed")
    if data[0] != VERSION:
        raise ContractError(f"sealed data: version {data[0]}, only {VERSION} is known")
    nonce, sealed = data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :]
    try:
        return key.cipher.decrypt(nonce, sealed, _bound(key, aad))
    except InvalidTag:
        raise ContractError("sealed data: changed, or sealed for another account or purpose") from None


def _bound(key: DataKey, aad: bytes) -> bytes:
    account = key.account_id.encode()
    return bytes([VERSION]) + len(account).to_bytes(4, "big") + account + aad


def _decode(plain: bytes, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(plain, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ContractError(f"sealed data: does not hold a {name}") from None
