"""The programs of the documentation against the running stack, as a reader would run them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account

EXAMPLES = Path(__file__).parents[2] / "infra/docs/examples"
SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512, "seed": 7}


async def output_of(name: str, *arguments: str, cwd: Path, **environment: str) -> list[str]:
    """Lines that an example prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *arguments,
        cwd=cwd,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, out.decode() + err.decode()
    return out.decode().splitlines()


async def test_the_client_brings_a_picture(stack: LocalStack, account: Account, tmp_path: Path) -> None:
    key = account.http.headers["Authorization"].removeprefix("Bearer ")
    where = {"STORYREEL_API": f"{stack.settings.base_url}/api/v1", "STORYREEL_KEY": key}
    lines = await output_of("client.py", "a", "red", "kite", cwd=tmp_path, **where)
    assert [line.split()[1] for line in lines[:-1]] == [
        "task.queued",
        "stage.dispatched",
        "stage.started",
        "stage.completed",
        "task.completed",
    ]
    [picture] = tmp_path.iterdir()
    assert lines[-1] == f"{picture.name} 1536 864"
    assert picture.read_bytes().startswith(b"\x89PNG")


async def test_the_reader_reads_what_a_task_left(stack: LocalStack, account: Account, tmp_path: Path) -> None:
    task_id = (await account.accepted("images/generate", SMALL))["task_id"]
    await account.finished(task_id)
    where = (stack.settings.kafka, stack.settings.registry_url)
    lines = await output_of("read_topic.py", *where, "tasks", cwd=tmp_path)
    kinds = [line.split()[1].removeprefix("storyreel.") for line in lines if line.endswith(task_id)]
    assert kinds == ["TaskQueued", "StageDispatched", "StageStarted", "StageCompleted", "TaskCompleted"]


async def test_the_chain_holds_and_every_neighbour_was_compared(
    stack: LocalStack, account: Account, tmp_path: Path
) -> None:
    await account.finished((await account.accepted("images/generate", SMALL))["task_id"])
    lines = await output_of("verify_chain.py", stack.settings.kafka, stack.settings.registry_url, cwd=tmp_path)
    words = lines[-1].split()
    assert len(lines) == 1
    assert int(words[0]) == int(words[2]) > 10
    assert lines[0].endswith("0 wrong")
