"""Stopping and starting again: every task, file and account is still there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import httpx

from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from schemas.topics import TOPICS
from tests.e2e.conftest import Account

SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512, "seed": 7}


async def test_a_restart_finds_every_task_and_file() -> None:
    folder = Path(tempfile.mkdtemp(prefix="storyreel-restart-"))
    options = StackOptions(apps=APPS, devices=1, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    try:
        async with LocalStack(folder, options=options) as first:
            account = Account(first, "free")
            task_id = (await account.accepted("images/generate", SMALL))["task_id"]
            before = await account.finished(task_id)
        async with LocalStack(folder, options=options) as second:
            assert second.settings.base_url == first.settings.base_url
            after = await account.task(task_id)
            assert after["result"]["output_path"] == before["result"]["output_path"]
            async with httpx.AsyncClient(trust_env=False) as anyone:
                assert (await anyone.get(after["result"]["url"])).content.startswith(b"\x89PNG")
            next_task = (await account.accepted("images/generate", SMALL))["task_id"]
            assert (await account.finished(next_task))["status"] == "completed"
            today = (await account.http.get("usage")).json()["today"]
            assert next(item for item in today if item["resource"] == "images")["used"] == 2
        await account.http.aclose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
