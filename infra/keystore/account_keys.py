"""One wrapped key per account, with a cache that notices an erasure by any process."""

from __future__ import annotations

import secrets

from infra.keystore.data_key import KEY_BYTES, DataKey, unwrap, wrap
from infra.keystore.database import Database
from infra.keystore.errors import KeyErasedError, KeyMissingError
from schemas.errors import ContractError

_CACHE = 4096
_MAX_ACCOUNT_ID = 200


class AccountKeys:
    """Keys by account id. `kek` is the 256-bit key that wraps them."""

    def __init__(self, database: Database, kek: bytes) -> None:
        self._database = database
        self._kek = kek
        self._cache: dict[str, DataKey] = {}
        self._generation: object = None

    def get(self, account_id: str, now: float | None) -> DataKey:
        """The account's key; with a time (Unix seconds) it is created if missing.

        Raises `KeyErasedError` for an erased account, else `KeyMissingError` if there is none and none may be created.
        """
        generation = self._database.generation()
        if generation != self._generation or len(self._cache) > _CACHE:
            self._cache, self._generation = {}, generation
        cache = self._cache  # what is loaded below belongs to this generation only
        key = cache.get(account_id)
        if key is None:
            key = cache[account_id] = self._load(account_id, now)
        return key

    def erase(self, account_id: str, now: float) -> None:
        """Destroy the key for good; the tombstone that stays keeps it from ever being created again. Idempotent."""
        _check(account_id)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO account_keys (account_id, created_at, erased_at) VALUES (?1, ?2, ?2) ON CONFLICT DO "
                "UPDATE SET wrapped = NULL, erased_at = coalesce(erased_at, excluded.erased_at)",
                (account_id, now),
            )
            connection.execute("DELETE FROM api_keys WHERE account_id = ?", (account_id,))
        self._database.scrub()

    def known(self, account_id: str) -> bool:
        """Whether the account has a key here, or had one that was erased."""
        return self._row(account_id) is not None

    def erased(self, account_id: str) -> bool:
        """Whether the account's key was destroyed."""
        row = self._row(account_id)
        return row is not None and row[0] is None

    def _load(self, account_id: str, now: float | None) -> DataKey:
        row = self._row(account_id)
        if row is None and now is not None:
            self._create(account_id, now)
            row = self._row(account_id)
        if row is None:
            raise KeyMissingError(f"account {account_id}: no key")
        wrapped = row[0]
        if not isinstance(wrapped, bytes):
            raise KeyErasedError(f"account {account_id}: the key was erased")
        return DataKey(account_id, unwrap(self._kek, wrapped, f"account {account_id}"))

    def _row(self, account_id: str) -> tuple[object, ...] | None:
        return self._database.row("SELECT wrapped FROM account_keys WHERE account_id = ?", account_id)

    def _create(self, account_id: str, now: float) -> None:
        _check(account_id)
        wrapped = wrap(self._kek, secrets.token_bytes(KEY_BYTES), f"account {account_id}")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO account_keys (account_id, wrapped, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (account_id, wrapped, now),
            )


def _check(account_id: str) -> None:
    if not 1 <= len(account_id) <= _MAX_ACCOUNT_ID:
        raise ContractError(f"account_id: must have 1 to {_MAX_ACCOUNT_ID} characters")
