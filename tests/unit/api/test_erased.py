"""What an erased account still gets: nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from api.errors import problem_body, to_api_error
from api.live.erased import until_erased
from infra.keystore import KeyErasedError, SqliteKeystore
from tests.unit.api.support import Edge


async def test_a_stream_ends_when_another_process_erases_its_account(tmp_path: Path) -> None:
    keystore, other = (SqliteKeystore(tmp_path / "keystore.db", b"k" * 32) for _ in range(2))
    for account in ("ann", "bob"):
        keystore.account_key(account, create=True)
    closed = False

    async def endless() -> AsyncGenerator[int, None]:
        nonlocal closed
        try:
            for number in range(1_000):
                yield number
        finally:
            closed = True

    seen = []
    async for number in until_erased(endless(), keystore, "ann"):
        seen.append(number)
        if number == 2:
            other.erase_account("bob")
        if number == 5:
            other.erase_account("ann")
    assert seen == [0, 1, 2, 3, 4, 5]
    assert closed


def test_a_key_of_an_erased_account_is_no_key(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    with edge.client() as client:
        headers = {"Authorization": f"Bearer {edge.key('ann')}"}
        assert client.get("/api/v1/characters", headers=headers).status_code != 401
        edge.keystore.erase_account("ann")
        answer = client.get("/api/v1/characters", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_call_that_the_erasure_overtakes_is_told_so() -> None:
    body = problem_body(to_api_error(KeyErasedError("account ann: the key was erased")), "en", "trace")
    assert (body["status"], body["code"], body["type"]) == (401, "account_erased", "AccountErased")
    assert "ann" not in body["error"]
