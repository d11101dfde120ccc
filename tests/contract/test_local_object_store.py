"""What only the local object store promises."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from infra.object_store import LocalObjectStore, NewObject
from infra.object_store.folder import Unsynced
from schemas.errors import ContractError, StoreError
from tests.contract.object_store_helpers import PNG, Clock, keys, local_store


@pytest.fixture
def local(tmp_path: Path) -> LocalObjectStore:
    return local_store(tmp_path / "objects", Clock(1000.0))


async def test_local_keys_may_be_prefixes_of_one_another(local: LocalObjectStore) -> None:
    for key in ("a", "a/b", "a.png", "a/b/c"):
        await local.put(key, key.encode(), PNG)
    assert await keys(local) == ["a", "a.png", "a/b", "a/b/c"]
    await local.delete("a/b")
    assert await local.get("a/b/c") == b"a/b/c"


async def test_local_never_follows_a_link(local: LocalObjectStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    await local_store(outside, Clock(0)).put("secret", b"secret", PNG)
    (tmp_path / "objects" / "link").symlink_to(outside)
    await local.put("dir/k", b"x", PNG)
    for file in outside.glob("secret@*"):
        (tmp_path / "objects" / "dir" / file.name).symlink_to(file)
    for attempt in (local.get("link/secret"), local.get("dir/secret"), local.put("link/new", b"x", PNG)):
        with pytest.raises(StoreError, match="link"):
            await attempt
    assert await keys(local) == ["dir/k"]
    assert await keys(local_store(outside, Clock(0))) == ["secret"]
    assert not list(outside.glob("new*"))


async def test_local_notices_changed_content(local: LocalObjectStore, tmp_path: Path) -> None:
    await local.put("k", b"genuine", PNG)
    (content,) = [file for file in (tmp_path / "objects").glob("k@*") if not file.name.endswith("@meta")]
    content.write_bytes(b"changed")
    with pytest.raises(StoreError, match="sha256"):
        await local.get("k")
    with pytest.raises(StoreError, match="sha256"):
        await local.get_to_file("k", tmp_path / "f")
    assert not (tmp_path / "f").exists()


async def test_local_leaves_no_waste_behind(local: LocalObjectStore, tmp_path: Path) -> None:
    root = tmp_path / "objects"
    await asyncio.gather(*(local.put("x/y/z", bytes([number]) * 9, PNG) for number in range(20)))
    assert len(list((root / "x/y").iterdir())) == 2
    await local.delete("x/y/z")
    assert [path.name for path in root.iterdir()] == ["@lock"]


async def test_local_keeps_none_of_several_when_one_cannot_be_stored(local: LocalObjectStore, tmp_path: Path) -> None:
    await local.put("t/old", b"before", PNG)
    new = [
        NewObject("t/new", b"x", PNG),
        NewObject("t/old", b"after", PNG),
        NewObject("t/gone", tmp_path / "absent", PNG),
    ]
    with pytest.raises(ContractError, match="absent"):
        await local.put_all(new)
    assert await local.stat("t/new") is None
    assert await local.stat("t/gone") is None
    assert await local.get("t/old") in {b"before", b"after"}
    assert len(list((tmp_path / "objects/t").iterdir())) == 2


async def test_local_sweep_takes_only_old_files_without_an_object(local: LocalObjectStore, tmp_path: Path) -> None:
    await local.put("d/k", b"kept", PNG)
    orphan, fresh = tmp_path / "objects/d/k@0123456789abcdef", tmp_path / "objects/d/k@fedcba9876543210"
    for file in (orphan, fresh):
        file.write_bytes(b"half")
    for file in (tmp_path / "objects/d").iterdir():
        if file != fresh:
            os.utime(file, (1, 1))
    assert await local.sweep(grace_s=3600) == 1
    assert not orphan.exists()
    assert fresh.exists()
    assert await local.get("d/k") == b"kept"


async def test_local_file_system_errors_are_store_errors(tmp_path: Path) -> None:
    store = local_store(tmp_path / "objects", Clock(0))
    with pytest.raises(StoreError, match="object store"):
        await store.get_to_file((await store.put("k", b"x", PNG)).key, tmp_path / "absent" / "f")


async def test_local_stores_each_of_many_at_once_or_says_why_not(local: LocalObjectStore, tmp_path: Path) -> None:
    """Those that are written together share threads, lock and syncs, but not their failures."""
    (tmp_path / "objects" / "taken").write_bytes(b"no folder")
    groups = [[NewObject(f"t{number}/{name}", name.encode(), PNG) for name in ("a", "b")] for number in range(30)]
    groups[7][1] = NewObject("t7/b", tmp_path / "gone", PNG)
    groups[11].append(NewObject("taken/b", b"x", PNG))
    results = await asyncio.gather(*(local.put_all(group) for group in groups), return_exceptions=True)
    failed = {number for number, result in enumerate(results) if isinstance(result, BaseException)}
    assert failed == {7, 11}
    assert isinstance(results[7], ContractError)
    assert isinstance(results[11], StoreError)
    assert set(await keys(local)) == {f"t{number}/{name}" for number in set(range(30)) - failed for name in "ab"}
    assert not list((tmp_path / "objects" / "t7").iterdir()), "the file that was whole is gone with its group"


async def test_local_large_files_are_written_beside_the_small_ones(local: LocalObjectStore, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(os.urandom(9_000_000))
    stored = await asyncio.gather(
        local.put("film", film, PNG), *(local.put(f"s{number}", b"small", PNG) for number in range(8))
    )
    assert stored[0].size == 9_000_000
    assert await local.get("film") == film.read_bytes()
    assert len(await keys(local)) == 9


def test_a_sync_that_failed_is_never_taken_for_done() -> None:
    """The system tells of a lost write once; asked again it says that all is well."""
    reading, writing = os.pipe()
    with Unsynced() as unsynced:
        unsynced.add(reading)  # nothing that can be synced
        os.close(reading)
        os.close(writing)
        for _ in range(2):
            with pytest.raises(OSError, match="Invalid argument"):
                unsynced.sync()
