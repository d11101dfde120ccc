"""Personal data on a whole stack: unreadable everywhere from the first event on, and for good after `account erase`."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sqlite3
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from infra.cli import main
from infra.keystore import KeyErasedError, SqliteKeystore, load_kek
from infra.local.stack import LocalStack
from infra.samples.portraits import draw
from schemas.entities import AccountErased
from schemas.tasks import TaskCancelled
from tests.canaries import forms, in_files, in_tables
from tests.e2e.conftest import Account
from tests.tailing import tailing

CANARY = "kakapo-7f31c9"
PROMPT = f"a {CANARY} prompt in the rain"
EMAIL = f"{CANARY}@people.example"
PHOTO = f"{CANARY}-holiday.png"
SMALL = {"engine": "null", "width": 512, "height": 512}
FILM = {
    "scenes": [{"prompt": f"scene {n}", "duration": 4} for n in range(8)],
    "video_config": {"resolution": "1280x768", "audio": False},
}


@pytest.fixture(autouse=True)
def olga(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORYREEL_OPERATOR", "olga@desk")


async def storyreel(stack: LocalStack, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a command on the stack's data folder."""
    said = io.StringIO()

    def run() -> int:
        with redirect_stdout(said), redirect_stderr(said):
            try:
                main([*arguments, "--data", str(stack.paths.data)])
            except SystemExit as end:
                return int(end.code or 0)
        return 0

    return await asyncio.to_thread(run), said.getvalue()


async def dying(stack: LocalStack, armed: Path, point: str, *arguments: str) -> int:
    """Exit code of a command in a process of its own that is to die at a point."""
    armed.mkdir(exist_ok=True)
    (armed / point).touch()
    command = (sys.executable, "-m", "infra.cli", *arguments, "--data", str(stack.paths.data))
    variables = os.environ | {"STORYREEL_CRASH_POINTS": str(armed)}
    return await (await asyncio.create_subprocess_exec(*command, env=variables)).wait()


async def _character(account: Account, folder: Path) -> str:
    photo = draw("mara", folder)[0].read_bytes()
    form = {"name": f"Mara {CANARY}", "description": "copper hair", "metadata": json.dumps({"mail": EMAIL})}
    answer = await account.http.post("characters", data=form, files=[("photos", (PHOTO, photo, "image/png"))])
    assert answer.status_code == 202, answer.text
    assert (await account.finished(answer.json()["task_id"]))["status"] == "completed"
    return str(answer.json()["character_id"])


async def _person(account: Account, folder: Path) -> tuple[str, str]:
    """Ids of a character and of a picture of it; everything that a person can leave is left."""
    photo = draw("mara", folder)[1].read_bytes()
    uploaded = await account.http.post("assets", files={"file": (PHOTO, photo, "image/png")})
    assert uploaded.status_code in (200, 201), uploaded.text
    webhook = {"url": f"https://hooks.example/{CANARY}", "description": EMAIL}
    assert (await account.http.post("webhooks", json=webhook)).status_code == 201
    character = await _character(account, folder)
    body = SMALL | {"prompt": PROMPT, "negative_prompt": f"no {CANARY}", "character_id": character}
    task = await account.finished((await account.accepted("images/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    return character, str(task["task_id"])


def _keystore(stack: LocalStack) -> SqliteKeystore:
    secrets_dir = stack.settings.secrets_dir
    return SqliteKeystore(secrets_dir / "keystore.db", load_kek(secrets_dir, {}))


def _wrapped(stack: LocalStack, account_id: str) -> bytes:
    with sqlite3.connect(stack.settings.secrets_dir / "keystore.db") as database:
        [wrapped] = database.execute("SELECT wrapped FROM account_keys WHERE account_id = ?", (account_id,)).fetchone()
    return bytes(wrapped)


async def test_a_canary_is_nowhere_in_the_clear_and_cannot_be_read_once_it_is_erased(
    stack: LocalStack, account: Account, tmp_path: Path
) -> None:
    character, task = await _person(account, tmp_path)
    await stack.restart("coordinator")  # which leaves a snapshot of its state
    needles = forms(CANARY)
    assert await in_tables(stack.settings.database_url, needles) == []
    found = list(in_files(stack.paths.data, needles))
    assert found == []

    data = stack.paths.data
    assert list(in_files(data / "objects" / "snapshots", forms(account.account_id))), "no snapshot was looked at"
    wrapped = _wrapped(stack, account.account_id)
    status, said = await storyreel(
        stack, "account", "erase", account.account_id, "--yes", "--reason", "asked", "--json"
    )
    assert status == 0, said
    done: dict[str, Any] = json.loads(said)
    assert done["operator"] == "olga@desk"
    assert {work["task_id"] for work in done["made"] if work["kind"] == "image"} == {task}
    assert [item["character_id"] for item in done["characters"]] == [character]
    assert done["objects"] >= 4  # upload, photo, portrait, picture
    await _is_erased(stack, account, character, wrapped)
    status, said = await storyreel(stack, "account", "erase", account.account_id, "--yes")
    assert status == 0, said
    assert "deleted now: 0 objects" in said


async def _is_erased(stack: LocalStack, account: Account, character: str, wrapped: bytes) -> None:
    """By every way to a person's data that there is."""
    assert (await account.http.get("tasks")).status_code == 401
    assert (await account.http.post("images/generate", json=SMALL | {"prompt": "x"})).status_code == 401
    keystore = _keystore(stack)
    with pytest.raises(KeyErasedError):
        keystore.account_key(account.account_id)
    keystore.close()
    assert not list(in_files(stack.settings.secrets_dir, [wrapped])), "the key is still in a file"
    objects = stack.paths.data / "objects"
    left = [path for path in objects.rglob("*") if path.is_file() and account.account_id in str(path)]
    assert left == []

    status, said = await storyreel(stack, "log", "show", "--account", account.account_id, "--open", "--json")
    assert status == 0, said
    told = json.loads(said)
    assert {"ImageRequested", "TaskCompleted", "CharacterErased", "WebhookRemoved", "AccountErased"} <= {
        line["type"] for line in told
    }
    sealed = [line["fields"]["sealed"] for line in told if "sealed" in line["fields"]]
    assert sealed
    assert all(text.endswith("its key was erased") for text in sealed)
    acts = [line["fields"] for line in told if line["type"] == "OperatorActed"]
    assert [(act["act"], act["operator"], act["reason"]) for act in acts] == [("account erase", "olga@desk", "asked")]

    for command in (("log", "verify"), ("projections", "diff"), ("projections", "rebuild"), ("projections", "diff")):
        status, said = await storyreel(stack, *command)
        assert status == 0, f"{command}: {said}"
    row = await _row(stack, "SELECT * FROM read_models.characters WHERE character_id = $1", character)
    assert (row["status"], row["sealed"], row["sealed_result"], row["embedding"]) == ("erased", b"", b"", None)
    row = await _row(stack, "SELECT * FROM read_models.users WHERE account_id = $1", account.account_id)
    assert (row["erased_at"] is not None, row["key_id"]) == (True, "")


async def _row(stack: LocalStack, query: str, *values: object) -> dict[str, Any]:
    connection = await asyncpg.connect(stack.settings.database_url)
    try:
        [row] = await connection.fetch(query, *values)
        return dict(row)
    finally:
        await connection.close()


async def test_an_erasure_that_dies_anywhere_is_completed_by_the_next(
    stack: LocalStack, account: Account, tmp_path: Path
) -> None:
    await _character(account, tmp_path)
    film = (await account.accepted("videos/generate", FILM))["task_id"]
    command = ("account", "erase", account.account_id, "--yes")
    async with tailing(stack.settings, "tasks", "users") as tail:
        for point in ("erasure.after_event", "erasure.after_key", "erasure.after_object"):
            assert await dying(stack, tmp_path / "armed", point, *command) == -signal.SIGKILL, point
        status, said = await storyreel(stack, *command)
        assert status == 0, said
        await tail.expect(TaskCancelled, lambda event: event.task_id == film)
        ends = tail.all(AccountErased, lambda event: event.envelope.account_id == account.account_id)
    assert len(ends) == 1
    objects = stack.paths.data / "objects"
    assert [path for path in objects.rglob("*") if path.is_file() and account.account_id in str(path)] == []
    assert not (objects / "results" / film).exists()


async def test_withdrawn_consent_erases_a_character_and_lists_what_was_made(
    stack: LocalStack, account: Account, tmp_path: Path
) -> None:
    character = await _character(account, tmp_path)
    body = SMALL | {"prompt": "a portrait", "character_id": character}
    task = await account.finished((await account.accepted("images/generate", body))["task_id"])
    answer = await account.http.delete(f"characters/{character}")
    assert answer.status_code == 200, answer.text
    erased = answer.json()
    assert [item["task_id"] for item in erased["made"]] == [task["task_id"]]
    assert erased["deleted"] >= 2  # a photo and the portrait
    again = (await account.http.delete(f"characters/{character}")).json()
    assert again == erased | {"deleted": 0}
    shown = (await account.http.get(f"characters/{character}")).json()
    assert (shown["status"], shown["name"], shown["portrait"]) == ("erased", "", None)
    refused = await account.http.post("images/generate", json=body)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["character_id"]
    row = await _row(stack, "SELECT * FROM read_models.characters WHERE character_id = $1", character)
    assert (row["sealed"], row["sealed_result"], row["embedding"]) == (b"", b"", None)
    assert (await account.task(task["task_id"]))["status"] == "completed"


async def test_nobody_is_erased_by_mistake(stack: LocalStack, account: Account, tmp_path: Path) -> None:
    status, said = await storyreel(stack, "account", "erase", account.account_id)
    assert status == 1
    assert "add --yes" in said
    status, said = await storyreel(stack, "account", "erase", "nobody@people.example", "--yes")
    assert status == 1
    assert "no account nobody@people.example" in said
    assert (await account.http.get("usage")).status_code == 200


async def test_who_made_an_account_is_on_the_log(stack: LocalStack) -> None:
    status, said = await storyreel(stack, "user", "create", "--tier", "free", "--reason", "a trial", "--json")
    assert status == 0, said
    made = json.loads(said)["user_id"]
    status, said = await storyreel(stack, "log", "show", "--account", made, "--json")
    assert status == 0, said
    told = {line["type"]: line["fields"] for line in json.loads(said)}
    asked, acted = told["UserRegistrationRequested"], told["OperatorActed"]
    assert (asked["asked_by"], asked["asked_as"]) == ("operator", "admin")
    assert (acted["act"], acted["operator"], acted["reason"]) == ("user create", "olga@desk", "a trial")
