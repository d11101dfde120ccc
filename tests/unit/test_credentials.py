"""API keys: who gets in, who does not, and what the file gives away (nothing)."""

from __future__ import annotations

import stat
import subprocess
import sys
import timeit
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.keystore import OPERATOR_ACCOUNT, Principal, SqliteKeystore, key_text
from schemas.errors import ConfigurationError, ContractError

KEK = bytes(range(32))
NOW = 1_800_000_000.0
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keystore.db"


@pytest.fixture
def keystore(path: Path) -> Iterator[SqliteKeystore]:
    opened = SqliteKeystore(path, KEK, now=lambda: NOW)
    yield opened
    opened.close()


# the text


def test_a_generated_key_has_the_documented_form() -> None:
    text = key_text.generate()
    prefix, key_id, secret, checksum = text.split("_")
    assert (prefix, len(key_id), len(secret), len(checksum)) == ("sr", 12, 32, 6)
    parts = key_text.parse(text)
    assert parts is not None
    assert (parts.key_id, parts.secret) == (key_id, secret)
    assert len({key_text.generate() for _ in range(200)}) == 200


def test_the_checksum_is_crc32_in_base62() -> None:
    assert key_text.checksum("") == "000000"
    value = 0
    for digit in key_text.checksum("123456789"):
        value = value * 62 + BASE62.index(digit)
    assert value == 0xCBF43926  # the published check value of CRC-32


@given(st.data())
def test_one_wrong_character_is_noticed_without_a_look_up(data: st.DataObject) -> None:
    text = key_text.generate()
    position = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(sorted(set(BASE62) - {text[position]})))
    assert key_text.parse(text[:position] + wrong + text[position + 1 :]) is None


@given(st.text(max_size=80))
def test_other_texts_are_no_keys(text: str) -> None:
    assert key_text.parse(text) is None


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda t: t + "\n", lambda t: " " + t, lambda t: t[:-1]])
def test_nothing_is_forgiven(change: object) -> None:
    assert key_text.parse(change(key_text.generate())) is None  # type: ignore[operator]


# getting in


def test_a_key_opens_its_account_and_only_that(keystore: SqliteKeystore) -> None:
    alice = keystore.create_api_key("alice", "member", "normal")
    bob = keystore.create_api_key("bob", "operator", "vip", scopes=("tasks:read",))
    assert keystore.authenticate(alice.secret_text) == Principal("alice", alice.key_id, "member", "normal", ("*",))
    assert keystore.authenticate(bob.secret_text) == Principal("bob", bob.key_id, "operator", "vip", ("tasks:read",))


def test_a_wrong_secret_with_a_right_checksum_stays_out(keystore: SqliteKeystore) -> None:
    key = keystore.create_api_key("alice", "member", "normal")
    _, _, secret, _ = key.secret_text.split("_")
    other = key_text.generate().split("_")[2]
    for forged in (other, secret[::-1]):
        body = f"sr_{key.key_id}_{forged}"
        assert keystore.authenticate(f"{body}_{key_text.checksum(body)}") is None
    assert keystore.authenticate(key_text.generate()) is None
    assert keystore.authenticate(key.secret_text) is not None


def test_a_secret_belongs_to_its_key_id(keystore: SqliteKeystore) -> None:
    first, second = (keystore.create_api_key("alice", "member", "normal") for _ in range(2))
    body = f"sr_{first.key_id}_{second.secret_text.split('_')[2]}"
    assert keystore.authenticate(f"{body}_{key_text.checksum(body)}") is None


def test_keys_expire(keystore: SqliteKeystore) -> None:
    key = keystore.create_api_key("alice", "member", "normal", now=NOW, expires_at=NOW + 10)
    assert keystore.authenticate(key.secret_text, NOW + 9.9) is not None
    assert keystore.authenticate(key.secret_text, NOW + 10) is None


def test_a_revoked_key_stays_out_in_every_process(keystore: SqliteKeystore, path: Path) -> None:
    other = SqliteKeystore(path, KEK)
    key = keystore.create_api_key("alice", "member", "normal")
    kept = keystore.create_api_key("alice", "member", "normal")
    assert other.authenticate(key.secret_text) is not None
    assert keystore.authenticate(key.secret_text) is not None
    assert keystore.revoke_api_key(key.key_id, NOW)
    assert not keystore.revoke_api_key(key.key_id, NOW)
    assert not keystore.revoke_api_key("unknown", NOW)
    for store in (keystore, other):
        assert store.authenticate(key.secret_text) is None
        assert store.authenticate(kept.secret_text) is not None
    assert [info.revoked_at for info in keystore.api_keys("alice") if info.key_id == key.key_id] == [NOW]
    other.close()


def test_a_new_tier_counts_at_once(keystore: SqliteKeystore, path: Path) -> None:
    other = SqliteKeystore(path, KEK)
    key = keystore.create_api_key("alice", "member", "free")
    assert other.authenticate(key.secret_text) is not None
    keystore.set_tier("alice", "vip")
    for store in (keystore, other):
        principal = store.authenticate(key.secret_text)
        assert principal is not None
        assert principal.tier == "vip"
    other.close()


def test_an_erased_account_has_no_way_in_and_gets_none(keystore: SqliteKeystore) -> None:
    key = keystore.create_api_key("alice", "member", "normal")
    assert keystore.authenticate(key.secret_text) is not None
    keystore.erase_account("alice")
    assert keystore.authenticate(key.secret_text) is None
    assert keystore.api_keys("alice") == []
    with pytest.raises(ContractError, match="erased"):
        keystore.create_api_key("alice", "member", "normal")


@pytest.mark.parametrize(
    ("role", "tier", "scopes"), [("root", "normal", ("*",)), ("member", "", ("*",)), ("member", "x", ())]
)
def test_bad_arguments_are_named(keystore: SqliteKeystore, role: str, tier: str, scopes: tuple[str, ...]) -> None:
    with pytest.raises(ContractError, match=r"role|tier|scopes"):
        keystore.create_api_key("alice", role, tier, scopes)  # type: ignore[arg-type]


def test_the_secret_is_in_no_file_and_no_printed_form(keystore: SqliteKeystore, path: Path) -> None:
    key = keystore.create_api_key("alice", "member", "normal")
    principal = keystore.authenticate(key.secret_text)
    secret = key.secret_text.split("_")[2]
    found = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert key.key_id.encode() in found
    assert secret.encode() not in found
    parts = key_text.parse(key.secret_text)
    assert secret not in repr((key, principal, parts, keystore.api_keys("alice")))


def test_a_warm_check_takes_less_than_50_microseconds(keystore: SqliteKeystore) -> None:
    text = keystore.create_api_key("alice", "member", "normal").secret_text
    assert keystore.authenticate(text) is not None
    best = min(timeit.repeat(lambda: keystore.authenticate(text), number=200, repeat=20)) / 200
    assert best < 50e-6


# the first administrator


def test_the_operator_key_is_made_once_and_works(keystore: SqliteKeystore, path: Path, tmp_path: Path) -> None:
    text = keystore.ensure_operator_key(path.parent)
    assert keystore.ensure_operator_key(path.parent) == text
    file = path.parent / "operator.key"
    assert file.read_text().strip() == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    principal = keystore.authenticate(text)
    assert principal is not None
    assert (principal.account_id, principal.role) == (OPERATOR_ACCOUNT, "admin")
    restored = SqliteKeystore(tmp_path / "new" / "keystore.db", KEK)
    assert restored.ensure_operator_key(path.parent) == text
    assert restored.authenticate(text) is not None
    restored.close()


def test_a_revoked_operator_key_stays_revoked(keystore: SqliteKeystore, path: Path) -> None:
    text = keystore.ensure_operator_key(path.parent)
    assert keystore.revoke_api_key(text.split("_")[1])
    assert keystore.ensure_operator_key(path.parent) == text
    assert keystore.authenticate(text) is None


def test_a_damaged_operator_file_is_named(keystore: SqliteKeystore, path: Path) -> None:
    (path.parent / "operator.key").write_text("sr_broken\n")
    (path.parent / "operator.key").chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"operator\.key.*API key"):
        keystore.ensure_operator_key(path.parent)


def test_concurrent_starts_share_one_operator_key(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from infra.keystore import SqliteKeystore\n"
        "path = Path(sys.argv[1]); keystore = SqliteKeystore(path, bytes(range(32))); input()\n"
        "text = keystore.ensure_operator_key(path.parent)\n"
        "print(text, keystore.authenticate(text).role, len(keystore.api_keys('operator')))"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, str(path)]
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(8)]
    answers = [process.communicate("go\n", timeout=60) for process in processes]
    assert [error for _, error in answers if error] == []
    (answer,) = {answer for answer, _ in answers}
    assert answer.split()[1:] == ["admin", "1"]
