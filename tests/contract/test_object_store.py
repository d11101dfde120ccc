"""One suite for every object store; a second part holds what only the local one promises."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.s3proxy import S3Proxy
from infra.object_store import (
    LocalObjectStore,
    ObjectStore,
    S3ObjectStore,
    StoredObject,
    check_key,
    create_object_store,
)
from infra.object_store.s3_client import new_client
from infra.object_store.urls import UrlSigner
from infra.settings import Settings
from schemas.errors import ConfigurationError, ContractError, ObjectMissingError, StoreError
from tests.contract.object_store_fixtures import (
    SIGNING_KEY,
    Client,
    Clock,
    client,
    local_store,
    s3_server,
    s3_settings,
    store,
)
from tests.contract.s3_server import running_s3proxy

__all__ = ["client", "s3_server", "store"]

PNG = "image/png"
HOSTILE = ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\x00b", "a b", "a\\b", "é", "a\n", "x" * 513]


async def read(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.open_range(key, start, end)])


async def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [found.key async for found in store.list(prefix)]


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


async def test_a_signed_url_opens_its_object(client: Client) -> None:
    await client.store.put("t/shot.png", b"pixels", PNG)
    for filename in (None, "第一幕.png"):
        url = await client.store.signed_url("t/shot.png", 60, filename, PNG)
        assert await client.fetch(url) == (200, b"pixels"), filename


async def test_a_signed_url_cannot_be_bent(client: Client) -> None:
    await client.store.put("t/a.png", b"a", PNG)
    await client.store.put("t/b.png", b"b", PNG)
    url = await client.store.signed_url("t/a.png", 60, "a.png")
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    bent = [urlunsplit(parts._replace(path=parts.path.replace("a.png", "b.png")))]
    for position, (name, value) in enumerate(query):
        if name != "X-Amz-Algorithm":
            changed = [
                *query[:position],
                (name, value[:-1] + ("0" if value[-1] != "0" else "1")),
                *query[position + 1 :],
            ]
            bent.append(urlunsplit(parts._replace(query=urlencode(changed))))
    assert len(bent) >= 4
    for tampered in bent:
        status, body = await client.fetch(tampered)
        assert status in {400, 403}, tampered
        assert body not in {b"a", b"b"}
    assert (await client.fetch(bent[0]))[0] == 403


async def test_a_signed_url_ends(client: Client) -> None:
    await client.store.put("k", b"x", PNG)
    client.clock.now -= 120
    early, late = await client.store.signed_url("k", 60), await client.store.signed_url("k", 600)
    client.clock.now += 120
    assert (await client.fetch(early))[0] == 403
    assert (await client.fetch(late))[0] == 200


@pytest.mark.parametrize("seconds", [0, -1, 7 * 86_400 + 1])
async def test_the_life_of_a_signed_url_is_bounded(store: ObjectStore, seconds: int) -> None:
    with pytest.raises(ContractError, match="expires_s"):
        await store.signed_url("k", seconds)


async def test_a_file_name_cannot_carry_a_header(store: ObjectStore) -> None:
    for name in ("a\r\nSet-Cookie: x", "../a", "", "x" * 201):
        with pytest.raises(ContractError, match="filename"):
            await store.signed_url("k", 60, name)


# S3 only


async def test_s3_answers_with_the_asked_name_and_type(s3_server: S3Proxy) -> None:
    store = S3ObjectStore(s3_settings(s3_server, "names"))
    await store.put("k", b"x", "application/octet-stream")
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(await store.signed_url("k", 60, 'the "end".png', PNG))
    assert answer.headers["content-type"] == PNG
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"the _end_.png\"; filename*=UTF-8''the%20%22end%22.png"
    )


async def test_an_endpoint_url_decides_about_tls_and_s3_needs_the_right_credentials(s3_server: S3Proxy) -> None:
    wrong = Settings(
        object_store="s3://names",
        s3_endpoint=f"http://{s3_server.endpoint}",
        s3_access_key=s3_server.access_key,
        s3_secret_key="wrong" * 8,
    )
    with pytest.raises(StoreError, match="names"):
        await S3ObjectStore(wrong).put("k", b"x", PNG)


async def test_s3_away_is_a_retryable_store_error(tmp_path: Path) -> None:
    async with running_s3proxy(tmp_path) as server:
        store = S3ObjectStore(s3_settings(server, "away"))
        await store.put("k", b"x", PNG)
    with pytest.raises(StoreError, match="get k") as caught:
        await store.get("k")
    assert caught.value.retryable


async def test_s3_content_that_is_not_the_recorded_one_is_noticed(s3_server: S3Proxy, tmp_path: Path) -> None:
    store = S3ObjectStore(s3_settings(s3_server, "damage"))
    await store.put("k", b"genuine", PNG)
    new_client(s3_settings(s3_server, "damage")).put_object(
        "damage", "k", io.BytesIO(b"changed"), 7, metadata={"sha256": "0" * 64}
    )
    with pytest.raises(StoreError, match="sha256"):
        await store.get("k")
    with pytest.raises(StoreError, match="sha256"):
        await store.get_to_file("k", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


# local only


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


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_unsigned_parameters_never_verify(expires: str, signature: str, filename: str) -> None:
    signer = UrlSigner("http://x", SIGNING_KEY)
    assert not signer.verify("k", {"expires": expires, "signature": signature, "filename": filename}, 0)


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    local = create_object_store(Settings(data_dir=tmp_path), SIGNING_KEY)
    assert isinstance(local, LocalObjectStore)
    with pytest.raises(ConfigurationError, match="object_store"):
        create_object_store(Settings(object_store="ftp://x"), SIGNING_KEY)
    with pytest.raises(ConfigurationError, match="s3_endpoint"):
        create_object_store(Settings(object_store="s3://bucket"), SIGNING_KEY)
    with pytest.raises(ConfigurationError, match="BUCKET"):
        create_object_store(Settings(object_store="s3://x"), SIGNING_KEY)
