"""The SQLite file of the keystore, shared by all processes of a host."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.keystore.secret_files import private_folder
from schemas.errors import ConfigurationError, StoreError

_BUSY_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS account_keys (
  account_id TEXT PRIMARY KEY, wrapped BLOB, created_at REAL NOT NULL, erased_at REAL,
  CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
) STRICT;
CREATE TABLE IF NOT EXISTS api_keys (
  key_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, digest BLOB NOT NULL, role TEXT NOT NULL, tier TEXT NOT NULL,
  scopes TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL, revoked_at REAL
) STRICT;
CREATE INDEX IF NOT EXISTS api_keys_of_account ON api_keys (account_id);
"""


class Database:
    """One connection of this process (0600, write-ahead log, full sync: a lost key would lose what it sealed).

    Safe in threads and after a fork. Every failure of SQLite is a `StoreError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.RLock()
        self._writes = 0
        self._pid = os.getpid()
        self._inherited: sqlite3.Connection | None = None
        private_folder(path.parent)
        with _creation(path):
            self._connection = self._connect()
            with self._errors():
                self._connection.executescript(_SCHEMA)

    def generation(self) -> object:
        """A value that differs as soon as any connection has changed the file, or this process is a fork."""
        return os.getpid(), self._writes, self.row("PRAGMA data_version")

    def row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        """First row of a query."""
        with self._mutex, self._errors():
            found: tuple[object, ...] | None = self._here().execute(sql, values).fetchone()
            return found

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with self._mutex, self._errors():
            return self._here().execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start; nothing of it stays if the block raises."""
        with self._mutex, self._errors():
            connection = self._here()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._writes += 1

    def scrub(self) -> None:
        """Move the log into the file and empty it, so that no deleted page is left in either.

        Raises `StoreError` if a reader was in the way; calling again is safe.
        """
        busy = self.row("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy is None or busy[0]:
            raise StoreError("keystore: busy, deleted keys may remain in its write-ahead log; repeat the call")

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            self._connection.close()

    def _here(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # a connection must not be carried over a fork
            self._inherited = self._connection  # kept: closing it here would touch the parent's locks
            self._connection, self._pid = self._connect(), os.getpid()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        with self._errors():
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(f"keystore {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"keystore {self._path}: not a usable keystore: {error}") from error


@contextmanager
def _creation(path: Path) -> Iterator[None]:
    """Make the file with its mode before SQLite sees it; one process at a time sets it up."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not path.exists():  # never open an existing one: closing it would drop SQLite's locks in this process
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        yield
    finally:
        os.close(descriptor)
