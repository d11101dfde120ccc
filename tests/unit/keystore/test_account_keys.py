"""Account keys: made once, wrapped by the key-encryption key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.keystore import KeyMissingError, SqliteKeystore, digest, seal_json, unseal_json
from schemas.errors import ConfigurationError, ContractError
from tests.unit.keystore.helpers import KEK, second_process


def test_a_key_is_made_on_demand_only_and_stays_the_same(keystore: SqliteKeystore, path: Path) -> None:
    with pytest.raises(KeyMissingError, match="alice"):
        keystore.account_key("alice")
    sealed = seal_json(keystore.account_key("alice", create=True), {"a": 1}, b"")
    assert unseal_json(keystore.account_key("alice"), sealed, b"") == {"a": 1}
    again = SqliteKeystore(path, KEK)
    assert unseal_json(again.account_key("alice", create=True), sealed, b"") == {"a": 1}
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(accounts=st.sets(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()), max_size=5))
def test_accounts_have_different_keys(keystore: SqliteKeystore, accounts: set[str]) -> None:
    digests = {digest(keystore.account_key(account, create=True), b"x") for account in accounts}
    assert len(digests) == len(accounts)


@pytest.mark.parametrize("account_id", ["", "x" * 201])
def test_account_ids_are_bounded(keystore: SqliteKeystore, account_id: str) -> None:
    with pytest.raises(ContractError, match="account_id"):
        keystore.account_key(account_id, create=True)


def test_the_file_is_useless_without_its_key_encryption_key(keystore: SqliteKeystore, path: Path) -> None:
    keystore.account_key("alice", create=True)
    with pytest.raises(ConfigurationError, match="key-encryption key does not open"):
        SqliteKeystore(path, bytes(32))
    with pytest.raises(ConfigurationError, match="must be 32"):
        SqliteKeystore(path, b"short")


def test_a_file_that_is_no_keystore_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(ConfigurationError, match=r"keystore\.db"):
        SqliteKeystore(path, KEK)


def test_concurrent_creation_gives_one_key(path: Path) -> None:
    code = """
        input()
        print([digest(keystore.account_key(f"account-{n}", create=True), b"x") for n in range(10)])
    """
    processes = [second_process(path, code) for _ in range(8)]
    answers = [process.communicate("go\n", timeout=60) for process in processes]
    assert [error for _, error in answers if error] == []
    assert len({answer for answer, _ in answers}) == 1
    assert answers[0][0].count("'") == 20
