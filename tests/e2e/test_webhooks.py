"""Callbacks: signed, repeated until they arrive, through the death of the sender, and again on request."""

from __future__ import annotations

import json
import time
from typing import Any

import asyncpg

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account
from tests.e2e.test_following import SMALL
from tests.unit.api.webhooks.receiver import Got, Receiver, receiving, verify


async def _ask(account: Account, receiver: Receiver) -> str:
    body = SMALL | {"callback_url": f"http://127.0.0.1:{receiver.port}/done?order=1"}
    task_id: str = (await account.accepted("images/generate", body))["task_id"]
    return task_id


async def _deliveries(account: Account, *, state: str, attempts: int = 0) -> list[dict[str, Any]]:
    """The account's only delivery, once it is in that state after at least so many attempts."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        items: list[dict[str, Any]] = (await account.http.get("webhooks/callback/deliveries")).json()["items"]
        if items and items[0]["state"] == state and items[0]["attempts"] >= attempts:
            return items
    raise AssertionError(items)


async def test_a_callback_is_signed_repeated_until_it_arrives_and_sent_again_on_request(
    account: Account, stack: LocalStack
) -> None:
    refusals = [500, 302]
    async with receiving() as receiver:
        receiver.answer = lambda _: refusals.pop() if refusals else 204
        task_id = await _ask(account, receiver)
        first, *_, last = await receiver.until(3)
        [delivery] = await _deliveries(account, state="delivered")
        path = f"webhooks/callback/deliveries/{delivery['delivery_id']}/redeliver"
        assert (await account.http.post(path)).status_code == 202
        again = (await receiver.until(4))[3]
        pool = await asyncpg.connect(stack.settings.database_url)
        await pool.execute("DELETE FROM ops.webhook_deliveries WHERE account_id = $1", account.account_id)
        await pool.close()
        events = f"webhooks/callback/events/{delivery['event_id']}"
        assert (
            await account.http.post(f"{events}/deliver")
        ).status_code == 202  # as after 30 days: nobody remembers it
        forgotten = (await receiver.until(5))[4]
        assert (await account.http.post(f"{events}0/deliver")).status_code == 404
    secret = (await account.http.get("webhooks/callback/secret")).json()["secret"]
    ids = {verify(secret, got.headers, got.body, time.time()) for got in (first, last, again, forgotten)}
    assert ids == {delivery["message_id"]}
    assert first.body == last.body == again.body == forgotten.body
    history = (await account.http.get(f"tasks/{task_id}/events")).json()["items"]
    message = json.loads(first.body)
    task_url = message["data"].pop("task_url")
    assert message["type"] == "task.completed"
    assert message["data"] == history[-1]
    assert (await account.http.get(task_url)).json()["status"] == "completed"
    assert (delivery["attempts"], delivery["status_code"], delivery["event_id"]) == (3, 204, history[-1]["id"])


async def test_a_callback_outlives_the_process_that_sends_it(account: Account, stack: LocalStack) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda _: 503
        await _ask(account, receiver)
        await _deliveries(account, state="pending", attempts=1)
        await stack.hold_down("api")
        receiver.answer = lambda _: 200
        before = len(receiver.got)
        await stack.bring_up("api")
        arrived: Got = (await receiver.until(before + 1))[before]
        assert json.loads(arrived.body)["type"] == "task.completed"
        assert arrived.headers["webhook-id"] == receiver.got[0].headers["webhook-id"]


async def test_deliveries_belong_to_their_account(account: Account, free_account: Account) -> None:
    async with receiving() as receiver:
        await _ask(account, receiver)
        await receiver.until(1)
    [delivery] = (await account.http.get("webhooks/callback/deliveries")).json()["items"]
    assert (await free_account.http.get("webhooks/callback/deliveries")).json()["items"] == []
    path = f"webhooks/callback/deliveries/{delivery['delivery_id']}/redeliver"
    assert (await free_account.http.post(path)).status_code == 404
    mine, other = [(await a.http.get("webhooks/callback/secret")).json() for a in (account, free_account)]
    assert mine != other


async def test_a_webhook_gets_every_event_it_asked_for_under_both_secrets_until_it_is_removed(account: Account) -> None:
    async with receiving() as receiver:
        asked = {"url": f"http://127.0.0.1:{receiver.port}/all", "events": ["*"], "description": "all of it"}
        made = (await account.http.post("webhooks", json=asked)).json()
        path = f"webhooks/{made['webhook_id']}"
        assert (await account.http.get(path)).json() == {k: v for k, v in made.items() if k != "secret"} | {
            "created_at": (await account.http.get(path)).json()["created_at"]
        }
        rotated = (await account.http.post(f"{path}/rotate")).json()
        task_id = (await account.accepted("images/generate", SMALL))["task_id"]
        got = list(await receiver.until(5))
        for secret in (made["secret"], rotated["secret"]):
            for message in got:
                verify(secret, message.headers, message.body, time.time())
        told = sorted((json.loads(message.body)["data"] for message in got), key=lambda event: event["id"])
        history = (await account.http.get(f"tasks/{task_id}/events")).json()["items"]
        assert [{k: v for k, v in event.items() if k != "task_url"} for event in told] == history
        assert (await account.http.delete(path)).status_code == 204
        assert (await account.http.get(path)).status_code == 404
        await account.accepted("images/generate", SMALL | {"callback_url": asked["url"], "seed": 8})
        assert json.loads((await receiver.until(6))[5].body)["type"] == "task.completed"
    assert (await account.http.get("webhooks")).json()["items"] == []
