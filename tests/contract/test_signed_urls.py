"""Signed URLs of every object store: they open one object, for a while, unchanged."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.object_store import ObjectStore
from infra.object_store.urls import UrlSigner
from schemas.errors import ContractError
from tests.contract.object_store_helpers import PNG, SIGNING_KEY, Client


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


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_unsigned_parameters_never_verify(expires: str, signature: str, filename: str) -> None:
    signer = UrlSigner("http://x", SIGNING_KEY)
    assert not signer.verify("k", {"expires": expires, "signature": signature, "filename": filename}, 0)
