"""What a process suffers is shown while it lasts, and only of the process that runs now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.object_store import WatchedObjectStore
from infra.object_store.faults import ERRORS, FOLDER, FaultyLocalStore
from infra.troubles import TROUBLE_FILE, TroubleFile, read_troubles
from schemas.errors import ObjectMissingError, StoreError


def test_a_trouble_is_shown_until_it_is_over(tmp_path: Path) -> None:
    path = tmp_path / "device.trouble"
    troubles = TroubleFile({TROUBLE_FILE: str(path)})
    assert read_troubles(path, os.getpid()) == []
    troubles.tell("store", "the store is away")
    troubles.tell("disk", "the disk is full")
    shown = read_troubles(path, os.getpid())
    troubles.tell("store", "the store is away")
    assert read_troubles(path, os.getpid()) == shown
    assert [line.partition(" (since ")[0] for line in shown] == ["the store is away", "the disk is full"]
    troubles.tell("store", "")
    assert read_troubles(path, os.getpid()) == shown[1:]
    troubles.tell("disk", "")
    assert read_troubles(path, os.getpid()) == []


def test_of_a_process_that_is_gone_nothing_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "device.trouble"
    TroubleFile({TROUBLE_FILE: str(path)}).tell("store", "the store is away")
    assert read_troubles(path, os.getpid() + 1) == []
    assert read_troubles(path, None) == []


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "device.trouble"
    path.write_text("{")
    [line] = read_troubles(path, 1)
    assert "cannot be read" in line


def test_without_the_variable_nothing_is_written() -> None:
    TroubleFile({}).tell("store", "away")


async def test_a_store_tells_whether_its_last_call_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    told: list[str] = []
    store = WatchedObjectStore(FaultyLocalStore(tmp_path / "objects", "", b"k" * 32), told.append)
    await store.put("results/a.bin", b"abc", "application/octet-stream")
    assert await store.get("results/a.bin") == b"abc"
    with pytest.raises(ObjectMissingError):
        await store.get("results/b.bin")
    assert set(told) == {""}
    (tmp_path / ERRORS).touch()
    with pytest.raises(StoreError) as failed:
        await store.stat("results/a.bin")
    assert told[-1] == str(failed.value) != ""
    (tmp_path / ERRORS).unlink()
    assert [found.key async for found in store.list("results/")] == ["results/a.bin"]
    assert told[-1] == ""
