"""What every object store promises of its objects."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.object_store import LocalObjectStore, NewObject, ObjectStore, StoredObject, check_key, create_object_store
from infra.settings import Settings
from schemas.errors import ConfigurationError, ContractError, ObjectMissingError
from tests.contract.object_store_helpers import PNG, SIGNING_KEY, Client, keys, read

HOSTILE = ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\x00b", "a b", "a\\b", "é", "a\n", "x" * 513]


async def test_a_put_object_is_read_back_with_its_hash_and_type(store: ObjectStore) -> None:
    data = b"picture" * 1000
    stored = await store.put("task/1/shot.png", data, PNG)
    assert stored == StoredObject("task/1/shot.png", hashlib.sha256(data).hexdigest(), len(data), PNG)
    assert await store.stat("task/1/shot.png") == stored
    assert await store.get("task/1/shot.png") == data


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    stored = await store.put("empty", b"", "text/plain; charset=utf-8")
    assert stored.content_type == "text/plain;charset=utf-8"
    assert await store.stat("empty") == stored
    assert stored.sha256 == hashlib.sha256(b"").hexdigest()
    assert await store.get("empty") == b""
    assert await read(store, "empty") == b""


async def test_ranges_are_half_open_and_end_with_the_object(store: ObjectStore) -> None:
    data = bytes(range(256)) * 8
    await store.put("r", data, PNG)
    for start, end in [(0, None), (0, 1), (5, 300), (2000, 5000), (2048, None), (7, 7)]:
        assert await read(store, "r", start, end) == data[start:end], (start, end)
    for start, end in [(-1, None), (5, 4), (2049, None)]:
        with pytest.raises(ContractError, match="range"):
            await read(store, "r", start, end)


async def test_missing_objects_have_their_own_error(store: ObjectStore, tmp_path: Path) -> None:
    assert await store.stat("no/thing") is None
    await store.delete("no/thing")
    for attempt in (store.get("no/thing"), store.get_to_file("no/thing", tmp_path / "f"), read(store, "no/thing")):
        with pytest.raises(ObjectMissingError, match="no/thing"):
            await attempt
    assert list(tmp_path.glob("*f*")) == []
    assert await keys(store) == []


async def test_get_refuses_more_than_was_asked_for(store: ObjectStore) -> None:
    await store.put("big", bytes(1001), PNG)
    assert len(await store.get("big", max_bytes=1001)) == 1001
    with pytest.raises(ContractError, match="1001 bytes, at most 1000"):
        await store.get("big", max_bytes=1000)


async def test_overwriting_replaces_content_hash_and_type(store: ObjectStore) -> None:
    await store.put("k", b"old content", PNG)
    stored = await store.put("k", b"new", "text/plain")
    assert await store.get("k") == b"new"
    assert await store.stat("k") == stored
    assert await keys(store) == ["k"]


async def test_delete_removes_one_object_only(store: ObjectStore) -> None:
    for key in ("a/b/1", "a/b/2", "a/c"):
        await store.put(key, key.encode(), PNG)
    await store.delete("a/b/1")
    assert await store.stat("a/b/1") is None
    assert await keys(store) == ["a/b/2", "a/c"]
    await store.put("a/b/1", b"again", PNG)
    assert await store.get("a/b/1") == b"again"


async def test_list_goes_by_prefix_in_order_and_over_pages(store: ObjectStore) -> None:
    names = [f"t/1/{number:03d}.png" for number in range(70)] + ["t/1.x", "t/10/a", "t/2/b", "u"]
    await asyncio.gather(*(store.put(name, name.encode(), PNG) for name in names))
    assert await keys(store) == sorted(names)
    assert await keys(store, "t/1/") == sorted(name for name in names if name.startswith("t/1/"))
    assert await keys(store, "t/1") == sorted(name for name in names if name.startswith("t/1"))
    assert await keys(store, "none/") == []
    assert [found async for found in store.list("u")] == [await store.stat("u")]


async def test_list_can_leave_fresh_objects_out(client: Client) -> None:
    await client.store.put("fresh", b"x", PNG)
    client.clock.now += 600
    assert [found.key async for found in client.store.list(older_than_s=3600)] == []
    assert [found.key async for found in client.store.list(older_than_s=60)] == ["fresh"]


async def test_a_large_file_is_streamed_both_ways(store: ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "film.mp4", tmp_path / "copy.mp4"
    block = os.urandom(1024 * 1024)
    source.write_bytes(b"".join(block[i:] + block[:i] for i in range(40)))
    stored = await store.put("film.mp4", source, "video/mp4")
    assert (stored.size, stored.sha256) == (40 * 1024 * 1024, hashlib.sha256(source.read_bytes()).hexdigest())
    assert await store.get_to_file("film.mp4", target) == stored
    assert target.read_bytes() == source.read_bytes()
    chunks = [len(chunk) async for chunk in store.open_range("film.mp4")]
    assert sum(chunks) == stored.size
    assert max(chunks) <= 1024 * 1024
    assert await read(store, "film.mp4", 20_000_000, 20_000_010) == source.read_bytes()[20_000_000:20_000_010]


async def test_a_source_that_is_no_file_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is not a file"):
        await store.put("k", tmp_path / "absent", PNG)
    assert await store.stat("k") is None


async def test_several_objects_are_stored_together(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "main.png"
    source.write_bytes(b"picture" * 100)
    new = [NewObject("t/s/main.png", source, PNG), NewObject("t/s/small.png", b"small", PNG)]
    stored = await store.put_all(new)
    assert [await store.stat(file.key) for file in new] == list(stored)
    assert await store.get("t/s/main.png") == source.read_bytes()
    assert await store.get("t/s/small.png") == b"small"


async def test_concurrent_puts_leave_one_whole_object(store: ObjectStore) -> None:
    contents = [bytes([number]) * (50_000 + number) for number in range(12)]

    async def look() -> None:
        for _ in range(20):
            found = await store.stat("same")
            if found is not None:
                assert await store.get("same") in contents

    await asyncio.gather(*(store.put("same", content, PNG) for content in contents), look())
    found = await store.stat("same")
    assert found is not None
    final = await store.get("same")
    assert final in contents
    assert (found.size, found.sha256) == (len(final), hashlib.sha256(final).hexdigest())


@pytest.mark.parametrize("key", HOSTILE)
async def test_hostile_keys_never_reach_the_store(store: ObjectStore, key: str, tmp_path: Path) -> None:
    calls = [
        store.put(key, b"x", PNG),
        store.get(key),
        store.get_to_file(key, tmp_path / "f"),
        store.stat(key),
        store.delete(key),
        store.signed_url(key, 60),
        read(store, key),
    ]
    for call in calls:
        with pytest.raises(ContractError, match="object key"):
            await call


@pytest.mark.parametrize("value", ["", "png", "image/png\r\nX: y", "a/" + "b" * 100])
async def test_content_types_that_could_break_a_header_are_refused(store: ObjectStore, value: str) -> None:
    with pytest.raises(ContractError, match="content type"):
        await store.put("k", b"x", value)


@given(st.text(max_size=30))
def test_what_check_key_lets_through_is_safe(text: str) -> None:
    try:
        key = check_key(text)
    except ContractError:
        return
    path = os.path.normpath(key)
    assert path == key
    assert not path.startswith(("/", ".."))
    assert key.isascii()
    assert key.isprintable()


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    local = create_object_store(Settings(data_dir=tmp_path), SIGNING_KEY)
    assert isinstance(local, LocalObjectStore)
    with pytest.raises(ConfigurationError, match="object_store"):
        create_object_store(Settings(object_store="ftp://x"), SIGNING_KEY)
    with pytest.raises(ConfigurationError, match="s3_endpoint"):
        create_object_store(Settings(object_store="s3://bucket"), SIGNING_KEY)
    with pytest.raises(ConfigurationError, match="BUCKET"):
        create_object_store(Settings(object_store="s3://x"), SIGNING_KEY)
