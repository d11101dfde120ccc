"""The keystore of a host: account keys and API keys in one SQLite file outside the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.keystore import key_text
from infra.keystore.account_keys import AccountKeys
from infra.keystore.credentials import ApiKey, Credentials, KeyInfo, Principal, Role
from infra.keystore.data_key import DataKey
from infra.keystore.database import Database
from infra.keystore.secret_files import KEK_BYTES, load_kek, load_or_create_text
from infra.settings import Settings
from schemas.errors import ConfigurationError

OPERATOR_ACCOUNT = "operator"
OPERATOR_FILE = "operator.key"
FILE = "keystore.db"


class SqliteKeystore:
    """Calls take microseconds when warm and are synchronous; any number of processes of one host may share the file.

    `kek` (32 bytes) wraps every account key; without it the file is useless. `now` is Unix time in seconds.
    Raises `ConfigurationError` if `kek` is not the one the file was made with, `StoreError` if the file is away.
    """

    def __init__(self, path: Path, kek: bytes, now: Callable[[], float] = time.time) -> None:
        if len(kek) != KEK_BYTES:
            raise ConfigurationError(f"key-encryption key: {len(kek)} bytes, must be {KEK_BYTES}")
        self._now = now
        self._database = Database(path)
        self._credentials = Credentials(self._database, kek)
        self._accounts = AccountKeys(self._database, kek)

    def account_key(self, account_id: str, create: bool = False) -> DataKey:
        """The key that seals the account's personal fields; all processes get the same one.

        Raises `KeyMissingError` (unless `create`), `KeyErasedError` after `erase_account`, by whichever process.
        """
        return self._accounts.get(account_id, self._now() if create else None)

    def knows(self, account_id: str) -> bool:
        """Whether this keystore has the account's key, or had it before it was erased."""
        return self._accounts.known(account_id)

    def is_erased(self, account_id: str) -> bool:
        """Whether the account's key was destroyed, by whichever process."""
        return self._accounts.erased(account_id)

    def erase_account(self, account_id: str) -> None:
        """Destroy the account's key and API keys for good: nothing it sealed can be read any more.

        Idempotent; the account can never get a key again. Raises `StoreError` if traces may be left in SQLite's
        write-ahead log because a reader was in the way for 10 s; the key is unusable then, repeat the call.
        """
        self._accounts.erase(account_id, self._now())

    def create_api_key(
        self,
        account_id: str,
        role: Role,
        tier: str,
        scopes: Sequence[str] = ("*",),
        now: float | None = None,
        expires_at: float | None = None,
    ) -> ApiKey:
        """A new key, whose text cannot be had again. Raises `ContractError` for a bad argument or an erased account."""
        created = self._now() if now is None else now
        return self._credentials.create(account_id, role, tier, scopes, created, expires_at)

    def authenticate(self, text: str, now: float | None = None) -> Principal | None:
        """Whose API key this is; None if it is malformed, unknown, wrong, expired or revoked."""
        return self._credentials.authenticate(text, self._now() if now is None else now)

    def revoke_api_key(self, key_id: str, now: float | None = None) -> bool:
        """Refuse the key from now on in every process; False if no such key was still good."""
        return self._credentials.revoke(key_id, self._now() if now is None else now)

    def set_tier(self, account_id: str, tier: str) -> None:
        """Change the tier that the account's keys stand for."""
        self._credentials.set_tier(account_id, tier)

    def api_keys(self, account_id: str) -> list[KeyInfo]:
        """The account's keys, oldest first, revoked ones too."""
        return self._credentials.keys_of(account_id)

    def ensure_operator_key(self, secrets_dir: Path) -> str:
        """The key of the first administrator, from `secrets_dir`/operator.key (0600), made and registered if missing.

        The same for every process that asks. A revoked operator key stays revoked: delete the file for a new one.
        Raises `ConfigurationError` if the file holds something else.
        """
        path = secrets_dir / OPERATOR_FILE
        text = load_or_create_text(path, key_text.generate)
        if key_text.parse(text) is None:
            raise ConfigurationError(f"{path}: does not hold an API key; delete it for a new one")
        self._credentials.register(text, OPERATOR_ACCOUNT, "admin", "vip", ("*",), self._now())
        return text

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def open_keystore(settings: Settings, environ: Mapping[str, str], *, create: bool = True) -> SqliteKeystore:
    """The keystore at `secrets_dir`/keystore.db under the key-encryption key of `load_kek`.

    Without `create` a missing one raises `ConfigurationError`.
    """
    if not create and not (settings.secrets_dir / FILE).exists():
        raise ConfigurationError(f"{settings.secrets_dir / FILE} is missing: the keystore lies on another host")
    return SqliteKeystore(settings.secrets_dir / FILE, load_kek(settings.secrets_dir, environ))
