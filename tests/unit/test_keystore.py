"""Account keys and sealing: what was sealed is readable by everybody with the key, and by nobody after erasure."""

from __future__ import annotations

import base64
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.keystore import (
    DataKey,
    KeyErasedError,
    KeyMissingError,
    SqliteKeystore,
    digest,
    load_kek,
    load_or_create_secret,
    open_keystore,
    seal,
    seal_json,
    unseal,
    unseal_json,
    unseal_spec,
)
from infra.keystore.secret_files import load_or_create_text
from infra.settings import Settings
from schemas.errors import ConfigurationError, ContractError
from schemas.purposes import aad
from schemas.specs import ScriptSpec, ShotSpec, SpeechSpec

KEK = bytes(range(32))
ALICE = DataKey("alice", b"a" * 32)
BOB = DataKey("bob", b"a" * 32)  # the same secret, so that only the account differs
SHOT_AAD = aad("alice", "spec")
TEXT = st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keystore.db"


@pytest.fixture
def keystore(path: Path) -> Iterator[SqliteKeystore]:
    opened = SqliteKeystore(path, KEK, now=lambda: 1000.0)
    yield opened
    opened.close()


def second_process(path: Path, code: str) -> subprocess.Popen[str]:
    """Another Python process with the same keystore open as `keystore`; it talks by lines."""
    head = f"""
        from pathlib import Path
        from infra.keystore import *
        keystore = SqliteKeystore(Path({str(path)!r}), bytes(range(32)))
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-u", "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


# sealing


@given(prompt=TEXT, seed=st.integers(0, 2**63 - 1), purpose=st.binary(max_size=20))
def test_a_sealed_record_comes_back(prompt: str, seed: int, purpose: bytes) -> None:
    spec = ShotSpec(prompt=prompt, seed=seed)
    sealed = seal(ALICE, spec, purpose)
    assert unseal(ALICE, sealed, purpose, ShotSpec) == spec
    assert unseal_spec(ALICE, sealed, purpose) == spec


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_a_sealed_json_object_comes_back(value: dict[str, object]) -> None:
    assert unseal_json(ALICE, seal_json(ALICE, value, b"x"), b"x") == value


def test_every_kind_of_spec_is_told_apart_by_its_tag() -> None:
    for spec in (ShotSpec(prompt="p"), SpeechSpec(text="t"), ScriptSpec(text="s", film_options=b"{}")):
        assert unseal_spec(ALICE, seal(ALICE, spec, SHOT_AAD), SHOT_AAD) == spec


def test_the_ciphertext_hides_the_text_and_never_repeats() -> None:
    spec = ShotSpec(prompt="the old lighthouse keeper")
    sealed = {seal(ALICE, spec, SHOT_AAD) for _ in range(20)}
    assert len(sealed) == 20
    assert not any(b"lighthouse" in one or b"prompt" in one for one in sealed)


def test_changing_any_byte_is_noticed() -> None:
    sealed = seal(ALICE, SpeechSpec(text="secret words"), SHOT_AAD)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 0x01
        with pytest.raises(ContractError, match="sealed data") as caught:
            unseal(ALICE, bytes(changed), SHOT_AAD, SpeechSpec)
        assert "secret" not in str(caught.value)
    for cut in range(len(sealed)):
        with pytest.raises(ContractError, match="sealed data"):
            unseal(ALICE, sealed[:cut], SHOT_AAD, SpeechSpec)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="sealed data"):
        unseal_json(ALICE, data, b"")


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_another_purpose_does_not_open_it(right: bytes, wrong: bytes) -> None:
    sealed = seal_json(ALICE, {"a": 1}, right)
    if right != wrong:
        with pytest.raises(ContractError, match="account or purpose"):
            unseal_json(ALICE, sealed, wrong)


def test_another_account_does_not_open_it_even_with_the_same_secret() -> None:
    with pytest.raises(ContractError, match="account or purpose"):
        unseal(BOB, seal(ALICE, ShotSpec(prompt="p"), SHOT_AAD), SHOT_AAD, ShotSpec)


def test_account_and_purpose_cannot_be_shifted_into_one_another() -> None:
    left, right = DataKey("ab", b"k" * 32), DataKey("a", b"k" * 32)
    with pytest.raises(ContractError, match="account or purpose"):
        unseal_json(right, seal_json(left, {}, b"c"), b"bc")


def test_a_content_of_another_kind_is_refused_without_quoting_it() -> None:
    sealed = seal_json(ALICE, {"type": "shot", "prompt": 17, "camera": "private words"}, SHOT_AAD)
    for kind in (ShotSpec, SpeechSpec):
        with pytest.raises(ContractError, match="does not hold a") as caught:
            unseal(ALICE, sealed, SHOT_AAD, kind)
        assert "private" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_digests_find_equal_content_within_one_account_only() -> None:
    other = DataKey("bob", b"b" * 32)
    assert digest(ALICE, b"x") == digest(ALICE, b"x")
    assert len({digest(ALICE, b"x"), digest(ALICE, b"y"), digest(other, b"x")}) == 3
    assert len(bytes.fromhex(digest(ALICE, b"x"))) == 32


def test_a_key_is_not_printed_or_pickled() -> None:
    assert repr(ALICE) == "DataKey('alice')"
    with pytest.raises(TypeError, match="DataKey"):
        pickle.dumps(ALICE)


# account keys


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


# erasure


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


# files


def test_files_are_private(keystore: SqliteKeystore, path: Path) -> None:
    load_or_create_secret(path.parent, "signing")
    keystore.account_key("alice", create=True)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    names = {file.name for file in path.parent.iterdir()}
    assert names >= {"keystore.db", "keystore.db-wal", "signing"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_the_key_encryption_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    made = load_kek(tmp_path / "s", {})
    assert len(made) == 32
    assert load_kek(tmp_path / "s", {}) == made
    assert load_kek(tmp_path / "s", {"STORYREEL_KEK": base64.b64encode(KEK).decode()}) == KEK
    for bad in ("not base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(ConfigurationError, match=r"STORYREEL_KEK.*32 bytes") as caught:
            load_kek(tmp_path / "s", {"STORYREEL_KEK": bad})
        assert bad not in str(caught.value)


def test_a_readable_or_damaged_secret_is_refused(tmp_path: Path) -> None:
    load_or_create_secret(tmp_path / "s", "one")
    (tmp_path / "s" / "one").chmod(0o644)
    with pytest.raises(ConfigurationError, match="mode 644"):
        load_or_create_secret(tmp_path / "s", "one")
    (tmp_path / "s" / "two").write_text("")
    (tmp_path / "s" / "two").chmod(0o600)
    with pytest.raises(ConfigurationError, match="two: holds 0 bytes"):
        load_or_create_secret(tmp_path / "s", "two")


def test_the_first_creator_of_a_secret_wins(tmp_path: Path) -> None:
    path = tmp_path / "s" / "name"

    def create_while_another_is_faster() -> str:
        assert load_or_create_text(path, lambda: "first") == "first"
        return "second"

    assert load_or_create_text(path, create_while_another_is_faster) == "first"
    assert [file.name for file in path.parent.iterdir()] == ["name"]


def test_concurrent_creation_gives_one_secret(tmp_path: Path) -> None:
    code = f"""
        from infra.keystore import load_or_create_secret
        input()
        print(load_or_create_secret(Path({str(tmp_path / "s")!r}), "signing").hex())
    """
    processes = [second_process(tmp_path / "k" / "keystore.db", code) for _ in range(6)]
    answers = [process.communicate("go\n", timeout=60) for process in processes]
    assert [error for _, error in answers if error] == []
    assert len({answer for answer, _ in answers}) == 1
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["signing"]


def test_the_settings_say_where_the_keystore_lies(tmp_path: Path) -> None:
    where = Settings(data_dir=tmp_path / "data")
    first = open_keystore(where, {})
    expected = digest(first.account_key("alice", create=True), b"x")
    first.close()
    second = open_keystore(where, {})
    assert digest(second.account_key("alice"), b"x") == expected
    second.close()
    assert (tmp_path / "data" / "secrets" / "keystore.db").is_file()
