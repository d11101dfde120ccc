"""What only the S3 object store promises."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest

from infra.local.s3proxy import S3Proxy
from infra.object_store import S3ObjectStore
from infra.object_store.s3_client import new_client
from infra.settings import Settings
from schemas.errors import StoreError
from tests.contract.object_store_helpers import PNG, s3_settings
from tests.contract.s3_server import running_s3proxy


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
