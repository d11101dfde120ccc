"""The files of secrets: private, made once, and where the settings say."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from infra.keystore import SqliteKeystore, digest, load_kek, load_or_create_secret, open_keystore
from infra.keystore.secret_files import load_or_create_text
from infra.settings import Settings
from schemas.errors import ConfigurationError
from tests.unit.keystore.helpers import KEK, second_process


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
