"""The audit commands over a real stack: a run is clean, its signature holds, and the story of a task is told with causes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.audit.keys import public_pem
from infra.cli import main as storyreel
from infra.cli.user import create_user
from infra.local.stack import LocalStack
from tests.faults.checker.quiet import wait_quiet
from tests.unit.audit.recorded import Signer

PROMPT = "a lantern on the quay"


class Desk:
    """Runs commands of `storyreel log` against the stack."""

    def __init__(self, stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
        self._data = str(stack.paths.data)
        self._capsys = capsys

    async def run(self, *arguments: str, code: int = 0) -> str:
        """What a command prints; it must end with `code`."""
        self._capsys.readouterr()

        def call() -> int:
            try:
                storyreel(["log", *arguments, "--data", self._data])
            except SystemExit as end:
                return int(end.code or 0)
            return 0

        found = await asyncio.to_thread(call)
        printed = self._capsys.readouterr()
        assert found == code, printed.err + printed.out
        return printed.out + printed.err

    async def json(self, *arguments: str, code: int = 0) -> Any:
        """The same, as JSON."""
        return json.loads(await self.run(*arguments, "--json", code=code))


@pytest.fixture
def desk(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(stack, capsys)


async def picture(stack: LocalStack) -> str:
    """Id of a picture that was made."""
    user = await asyncio.to_thread(create_user, stack.settings, "vip")
    headers = {"Authorization": f"Bearer {user['api_key']}"}
    base = f"{stack.settings.base_url}/api/v1/"
    body = {"prompt": PROMPT, "engine": "null", "width": 512, "height": 512}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False) as http:
        answer = await http.post("images/generate", json=body)
    assert answer.status_code == 202, answer.text
    task_id = str(answer.json()["task_id"])
    await wait_quiet(stack.settings, 60, [task_id])
    return task_id


async def test_a_run_is_clean_signed_and_told(stack: LocalStack, desk: Desk, tmp_path: Path) -> None:
    task_id = await picture(stack)
    await the_log_is_clean(desk, tmp_path)
    await the_story_is_told(desk, task_id)
    await picture(stack)
    kept = tmp_path / "kept.txt"
    kept.write_text(await desk.run("checkpoint"))
    assert "\nnumber 2\n" in kept.read_text()
    result = await desk.json("verify", "--kept", str(kept))
    assert (result["found"], result["confirmed"], result["signed"]) == (0, 2, result["last"])


async def the_log_is_clean(desk: Desk, folder: Path) -> None:
    """Before and after it is signed; a key that signed nothing is no witness."""
    unsigned = await desk.json("verify")
    assert (unsigned["found"], unsigned["checkpoints"]) == (0, 0)
    assert unsigned["events"] == unsigned["last"] == unsigned["compared"]
    key = folder / "key.pem"
    key.write_text(await desk.run("key"))
    signed = await desk.json("checkpoint")
    assert f"records 1 {unsigned['last']}\n" in signed["text"]
    result = await desk.json("verify", "--public-key", str(key), "--topic", "tasks")
    assert (result["found"], result["confirmed"], result["signed"]) == (0, 1, unsigned["last"])
    assert "1 of 1 signed checkpoints confirmed" in await desk.run("verify", "--since", "1h", "--until", "0s")
    key.write_text(public_pem(Signer().key.public_key()))
    assert "signed with the key" in await desk.run("verify", "--public-key", str(key), code=1)


async def the_story_is_told(desk: Desk, task_id: str) -> None:
    """From the request to the result, each line after its cause; the prompt only for who asks with the keystore at hand."""
    story = await desk.json("show", "--task", task_id)
    types = [line["type"] for line in story]
    expected = [
        "ImageRequested",
        "TaskQueued",
        "StageDispatched",
        "RenderCommand",
        "StageSucceededReport",
        "TaskCompleted",
    ]
    assert [types.index(kind) for kind in expected] == sorted(types.index(kind) for kind in expected)
    assert {"RequestDecided", "QuotaReserved", "QuotaCommitted"} <= set(types)
    assert all(line["because"] < line["number"] for line in story)
    causes = {line["type"]: story[line["because"] - 1]["type"] for line in story if line["because"]}
    assert causes["TaskQueued"] == "ImageRequested"
    assert causes["StageSucceededReport"] == "RenderCommand"
    assert causes["TaskCompleted"] == "StageSucceededReport"
    closed = await desk.run("show", "--task", task_id)
    assert PROMPT not in closed
    assert "  sealed " in closed
    assert "because of" in closed
    assert PROMPT in await desk.run("show", "--task", task_id, "--open", "--reason", "a complaint")
    opened = [
        line for line in await desk.json("show", "--account", story[0]["account_id"]) if line["fields"].get("act")
    ]
    assert [line["fields"]["act"] for line in opened] == ["log show --open"]
    assert (opened[0]["fields"]["subject"], opened[0]["fields"]["reason"]) == (f"task {task_id}", "a complaint")
    correlation = story[types.index("ImageRequested")]["correlation_id"]
    assert {line["type"] for line in await desk.json("show", "--correlation", correlation)} >= set(types)
    account = story[0]["account_id"]
    assert {line["type"] for line in await desk.json("show", "--account", account)} >= {*types, "UserRegistered"}
    assert "nothing on the log belongs to task nobody" in await desk.run("show", "--task", "nobody", code=1)
