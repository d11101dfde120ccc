"""Erasure: afterwards nobody has the key, in no process and in no file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from infra.keystore import KeyErasedError, SqliteKeystore, digest, seal_json
from tests.unit.keystore.helpers import second_process


def test_erasure_is_final(keystore: SqliteKeystore) -> None:
    keystore.account_key("alice", create=True)
    keystore.account_key("bob", create=True)
    keystore.erase_account("alice")
    keystore.erase_account("alice")
    keystore.erase_account("never-seen")
    for account in ("alice", "never-seen"):
        for create in (False, True):
            with pytest.raises(KeyErasedError, match=account):
                keystore.account_key(account, create=create)
    assert keystore.account_key("bob").account_id == "bob"


def test_erasure_reaches_a_process_that_holds_the_key(keystore: SqliteKeystore, path: Path) -> None:
    sealed = seal_json(keystore.account_key("alice", create=True), {"text": "private"}, b"")
    other = second_process(
        path,
        f"""
        import sys
        def look():
            try:
                return unseal_json(keystore.account_key("alice", create=True), {sealed!r}, b"")["text"]
            except KeyErasedError as error:
                return error.code
        for line in sys.stdin:
            print(look())
        """,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    with other:
        answers = []
        for erase in (False, True):
            if erase:
                keystore.erase_account("alice")
            other.stdin.write("look\n")
            other.stdin.flush()
            answers.append(other.stdout.readline().strip())
        other.stdin.close()
    assert answers == ["private", "key_erased"]


def test_an_erasure_elsewhere_reaches_this_process(keystore: SqliteKeystore, path: Path) -> None:
    keystore.account_key("alice", create=True)
    other = second_process(path, 'keystore.erase_account("alice")')
    assert other.communicate(timeout=60)[1] == ""
    with pytest.raises(KeyErasedError):
        keystore.account_key("alice")


def test_no_trace_of_an_erased_key_is_left_in_the_files(keystore: SqliteKeystore, path: Path) -> None:
    for account in [*(f"account-{number}" for number in range(60)), "alice", "zoe"]:
        keystore.account_key(account, create=True)
    with sqlite3.connect(path) as connection:
        (wrapped,) = connection.execute("SELECT wrapped FROM account_keys WHERE account_id = 'alice'").fetchone()
    connection.close()

    def traces() -> int:
        found = b"".join(file.read_bytes() for file in path.parent.iterdir())
        return sum(wrapped[start : start + 8] in found for start in range(len(wrapped) - 7))

    assert traces() == len(wrapped) - 7
    keystore.erase_account("alice")
    assert traces() == 0


def test_a_forked_process_works_with_the_keystore_of_its_parent(keystore: SqliteKeystore) -> None:
    expected = digest(keystore.account_key("alice", create=True), b"x")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            keystore.account_key("made-by-child", create=True)
            os.write(writer, digest(keystore.account_key("alice"), b"x").encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == expected
    os.waitpid(child, 0)
    assert keystore.account_key("made-by-child").account_id == "made-by-child"
