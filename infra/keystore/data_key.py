"""The key of one account, and how it lies in the keystore."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import ConfigurationError

KEY_BYTES = 32
NONCE_BYTES = 12


class DataKey:
    """256 random bits of one account. Sealing and hashing use two keys derived from it (HKDF-SHA256, RFC 5869).

    Never printed, pickled or put on the log; callers keep it no longer than one piece of work.
    """

    __slots__ = ("account_id", "cipher", "mac_key")

    def __init__(self, account_id: str, secret: bytes) -> None:
        self.account_id = account_id
        self.cipher = AESGCM(derive(secret, b"storyreel seal"))
        self.mac_key = derive(secret, b"storyreel digest")

    def __repr__(self) -> str:
        return f"DataKey({self.account_id!r})"

    def __reduce__(self) -> str:
        raise TypeError("a DataKey does not leave its process")


def derive(secret: bytes, purpose: bytes) -> bytes:
    """A 256-bit key for one purpose (HKDF-SHA256 without salt: the secret is uniform already)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret)


def wrap(kek: bytes, secret: bytes, name: str) -> bytes:
    """`secret` under the key-encryption key: 12 bytes nonce, then AES-256-GCM with `name` as associated data."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, secret, name.encode())


def unwrap(kek: bytes, wrapped: bytes, name: str) -> bytes:
    """Inverse of `wrap`. Raises `ConfigurationError` if the key-encryption key is not the one it was wrapped with."""
    try:
        return AESGCM(kek).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        raise ConfigurationError(f"keystore: the key-encryption key does not open {name}") from None
