"""Keys and credentials, kept outside the log: erasing an account's key erases the person from every event."""

from __future__ import annotations

from infra.keystore.credentials import ApiKey, KeyInfo, Principal, Role
from infra.keystore.data_key import DataKey
from infra.keystore.errors import KeyErasedError, KeyMissingError
from infra.keystore.keystore import OPERATOR_ACCOUNT, SqliteKeystore, open_keystore
from infra.keystore.sealing import digest, seal, seal_json, unseal, unseal_json, unseal_spec
from infra.keystore.secret_files import load_kek, load_or_create_secret

__all__ = [
    "OPERATOR_ACCOUNT",
    "ApiKey",
    "DataKey",
    "KeyErasedError",
    "KeyInfo",
    "KeyMissingError",
    "Principal",
    "Role",
    "SqliteKeystore",
    "digest",
    "load_kek",
    "load_or_create_secret",
    "open_keystore",
    "seal",
    "seal_json",
    "unseal",
    "unseal_json",
    "unseal_spec",
]
