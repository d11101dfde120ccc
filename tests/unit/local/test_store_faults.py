"""Failures of the object store that a fault run switches on."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import pytest

from infra.object_store import LocalObjectStore, ObjectStore, create_object_store
from infra.object_store.faults import FOLDER, arm
from infra.settings import Settings
from schemas.errors import StoreError

PICTURE = b"a picture of some size"


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    return folder


@pytest.fixture
def store(faults: Path, tmp_path: Path) -> ObjectStore:
    return create_object_store(Settings(data_dir=tmp_path), b"k" * 32)


async def test_nothing_happens_until_a_fault_is_armed(store: ObjectStore, tmp_path: Path) -> None:
    assert isinstance(store, LocalObjectStore)
    kept = await store.put("a.png", PICTURE, "image/png")
    assert await store.stat("a.png") == kept == await store.get_to_file("a.png", tmp_path / "a")
    assert b"".join([chunk async for chunk in store.open_range("a.png", 2)]) == PICTURE[2:]
    await store.delete("a.png")
    assert await store.stat("a.png") is None


async def test_without_the_variable_the_store_is_the_plain_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert type(create_object_store(Settings(data_dir=tmp_path), b"k" * 32)) is LocalObjectStore


async def test_so_many_calls_fail_however_many_come_at_once(store: ObjectStore, faults: Path) -> None:
    await store.put("a.png", PICTURE, "image/png")
    armed = arm(faults, "errors", 3)
    answers = await asyncio.gather(*(store.get("a.png") for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["StoreError"] * 3 + ["bytes"] * 2
    assert not armed.exists()


async def test_an_empty_file_lasts_until_it_is_removed(store: ObjectStore, faults: Path) -> None:
    (faults / "errors").touch()
    for _ in range(3):
        with pytest.raises(StoreError, match="injected"):
            await store.stat("a.png")
    (faults / "errors").unlink()
    assert await store.stat("a.png") is None


async def test_a_full_disk_takes_no_objects_but_gives_them(store: ObjectStore, faults: Path) -> None:
    await store.put("a.png", PICTURE, "image/png")
    arm(faults, "full", 1)
    assert await store.get("a.png") == PICTURE
    with pytest.raises(StoreError, match="No space left"):
        await store.put("b.png", PICTURE, "image/png")
    assert await store.stat("b.png") is None
    await store.put("b.png", PICTURE, "image/png")


async def test_a_truncated_object_claims_to_be_whole(store: ObjectStore, faults: Path, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(PICTURE)
    arm(faults, "truncated", 1)
    claimed = await store.put("a.png", tmp_path / "picture", "image/png")
    assert (claimed.size, claimed.sha256) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert await store.get("a.png") == PICTURE[: len(PICTURE) // 2]


async def test_a_slow_store_waits_as_long_as_told(store: ObjectStore, faults: Path) -> None:
    arm(faults, "slow", 1, milliseconds=200)
    began = time.monotonic()
    await store.stat("a.png")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(("fault", "calls"), [("melt", 1), ("errors", 0)])
def test_what_cannot_be_armed_is_refused(tmp_path: Path, fault: str, calls: int) -> None:
    with pytest.raises(ValueError, match="for at least one call"):
        arm(tmp_path, fault, calls)
