"""API keys. Only an HMAC of each secret is stored, so the file does not give access to anything."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from infra.keystore import key_text
from infra.keystore.data_key import KEY_BYTES, unwrap, wrap
from infra.keystore.database import Database
from infra.keystore.key_text import KeyParts
from schemas.errors import ContractError

Role = Literal["member", "operator", "admin"]

_CACHE = 4096
_COLUMNS = "key_id, account_id, role, tier, scopes, created_at, expires_at, revoked_at"
_PEPPER = "pepper"


class ApiKey(Struct, frozen=True):
    """A new key: `secret_text` is what the client sends, shown this once."""

    key_id: str
    secret_text: str

    def __repr__(self) -> str:
        return f"ApiKey({self.key_id!r})"


class Principal(Struct, frozen=True):
    """Who a request comes from."""

    account_id: str
    key_id: str
    role: Role
    tier: str
    scopes: tuple[str, ...] = ("*",)


class KeyInfo(Struct, frozen=True):
    """A key as an administrator sees it. Times are Unix seconds."""

    key_id: str
    account_id: str
    role: Role
    tier: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None
    revoked_at: float | None


class _Credential(Struct, frozen=True):
    digest: bytes
    info: KeyInfo
    principal: Principal


class Credentials:
    """Create, check and revoke keys. The pepper is random and kept wrapped under `kek`.

    Raises `ConfigurationError` at once if `kek` is not the one the keystore was made with.
    """

    def __init__(self, database: Database, kek: bytes) -> None:
        self._database = database
        self._pepper = _load_pepper(database, kek)
        self._cache: dict[str, _Credential] = {}
        self._generation: object = None

    def create(
        self, account_id: str, role: Role, tier: str, scopes: Sequence[str], now: float, expires_at: float | None
    ) -> ApiKey:
        """A new random key of the account."""
        text = key_text.generate()
        return self.register(text, account_id, role, tier, scopes, now, expires_at)

    def register(
        self,
        text: str,
        account_id: str,
        role: Role,
        tier: str,
        scopes: Sequence[str],
        now: float,
        expires_at: float | None = None,
    ) -> ApiKey:
        """Store a key whose text exists already; nothing changes if its id is known."""
        parts = key_text.parse(text)
        if parts is None:
            raise ContractError("API key: malformed or mistyped")
        if role not in get_args(Role):
            raise ContractError(f"role {role!r}: must be one of {', '.join(get_args(Role))}")
        if not account_id or not tier or not scopes:
            raise ContractError("API key: account_id, tier and scopes must not be empty")
        encoded = msgspec.json.encode(list(scopes)).decode()
        values = (parts.key_id, account_id, self._digest(parts), role, str(tier), encoded, now, expires_at)
        with self._database.writing() as connection:
            _refuse_erased(connection, account_id)
            connection.execute(
                "INSERT INTO api_keys (key_id, account_id, digest, role, tier, scopes, created_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                values,
            )
        return ApiKey(parts.key_id, text)

    def authenticate(self, text: str, now: float) -> Principal | None:
        """Whose key this is; None if malformed, unknown, wrong, expired or revoked.

        The secret is compared in constant time; key ids are public, whether one exists is not kept secret.
        """
        parts = key_text.parse(text)
        if parts is None:
            return None
        found = self._find(parts.key_id)
        genuine = hmac.compare_digest(self._digest(parts), found.digest if found else bytes(KEY_BYTES))
        if found is None or not genuine or found.info.revoked_at is not None:
            return None
        expires_at = found.info.expires_at
        return found.principal if expires_at is None or now < expires_at else None

    def revoke(self, key_id: str, now: float) -> bool:
        """Refuse the key from now on, in every process; False if there is no such key that was still good."""
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL", (now, key_id)
            )
            return changed.rowcount > 0

    def set_tier(self, account_id: str, tier: str) -> None:
        """Change the tier of all keys of an account."""
        if not tier:
            raise ContractError("tier: must not be empty")
        with self._database.writing() as connection:
            connection.execute("UPDATE api_keys SET tier = ? WHERE account_id = ?", (str(tier), account_id))

    def keys_of(self, account_id: str) -> list[KeyInfo]:
        """The account's keys, oldest first, revoked ones too."""
        sql = f"SELECT {_COLUMNS} FROM api_keys WHERE account_id = ? ORDER BY created_at, key_id"  # noqa: S608
        return [_info(row) for row in self._database.rows(sql, account_id)]

    def _find(self, key_id: str) -> _Credential | None:
        generation = self._database.generation()
        if generation != self._generation or len(self._cache) > _CACHE:
            self._cache, self._generation = {}, generation
        cache = self._cache
        found = cache.get(key_id)
        if found is None:
            sql = f"SELECT {_COLUMNS}, digest FROM api_keys WHERE key_id = ?"  # noqa: S608
            row = self._database.row(sql, key_id)
            if row is not None:
                found = cache[key_id] = _credential(row)
        return found

    def _digest(self, parts: KeyParts) -> bytes:
        return hmac.digest(self._pepper, f"{parts.key_id}_{parts.secret}".encode(), hashlib.sha256)


def _credential(row: tuple[object, ...]) -> _Credential:
    info = _info(row[:-1])
    principal = Principal(info.account_id, info.key_id, info.role, info.tier, info.scopes)
    return _Credential(msgspec.convert(row[-1], bytes), info, principal)


def _info(row: tuple[object, ...]) -> KeyInfo:
    names = _COLUMNS.split(", ")
    values = dict(zip(names, row, strict=True))
    return msgspec.convert({**values, "scopes": msgspec.json.decode(str(values["scopes"]))}, KeyInfo)


def _load_pepper(database: Database, kek: bytes) -> bytes:
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO secrets (name, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (_PEPPER, wrap(kek, secrets.token_bytes(KEY_BYTES), _PEPPER)),
        )
        (wrapped,) = connection.execute("SELECT wrapped FROM secrets WHERE name = ?", (_PEPPER,)).fetchone()
    return unwrap(kek, wrapped, _PEPPER)


def _refuse_erased(connection: sqlite3.Connection, account_id: str) -> None:
    sql = "SELECT 1 FROM account_keys WHERE account_id = ? AND erased_at IS NOT NULL"
    if connection.execute(sql, (account_id,)).fetchone() is not None:
        raise ContractError(f"account_id {account_id}: was erased")
