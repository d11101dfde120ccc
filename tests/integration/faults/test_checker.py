"""The checker over a real stack: a run of it is clean, and what is then broken in Kafka, PostgreSQL and the store is found."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from infra.audit.auditing import audit_log
from infra.audit.auditor import Span
from infra.cli import main as storyreel
from infra.cli.user import create_user
from infra.collection import delete_garbage, find_garbage
from infra.kafka import create_producer, send
from infra.local.stack import LocalStack
from infra.object_store.factory import create_object_store
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaReserved
from schemas.tasks import StageCompleted, TaskQueued
from schemas.topics import TOPIC_OF
from tests.faults.checker import Accepted, Poison, Seen, Violation, check, examine
from tests.faults.checker.__main__ import main
from tests.faults.checker.collect import collected
from tests.faults.checker.quiet import wait_quiet
from tests.faults.checker.records import Log
from tests.operator_acts import acts_of

R = TypeVar("R", bound=LedgerRecord)
PICTURE = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512}
JUNK = b"\x00not a record"


class Vandal:
    """Breaks things in a real stack; `log` is what was on it before."""

    log: Log

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def last(self, kind: type[R], **fields: Any) -> R:
        """The newest record of a kind."""
        records = [one.record for one in self.log.records(TOPIC_OF[kind].name)]
        named = [r for r in records if isinstance(r, kind) and all(getattr(r, f) == v for f, v in fields.items())]
        return named[-1]

    async def write(self, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> int:
        """Any bytes on a topic; returns the offset."""
        producer = create_producer(self.settings.kafka)
        await producer.start()
        try:
            return await send(producer, topic, value, key="vandal", partition=0, headers=headers, timeout=30)
        finally:
            await producer.stop()

    async def write_record(self, record: LedgerRecord) -> int:
        """A record of the ledger that the coordinator did not write."""
        headers = self.log.codec.headers(record, "vandal")
        return await self.write(TOPIC_OF[type(record)].name, self.log.codec.encode(record), headers)

    async def sql(self, text: str) -> None:
        """Change rows behind the readers' back."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            assert await connection.execute(text) != "UPDATE 0"
        finally:
            await connection.close()


async def work(stack: LocalStack) -> list[Accepted]:
    """Pictures, one of them cancelled, as a client would ask for them."""
    user = await asyncio.to_thread(create_user, stack.settings, "vip")
    headers = {"Authorization": f"Bearer {user['api_key']}"}
    base = f"{stack.settings.base_url}/api/v1/"
    accepted = []
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False) as http:
        for number in range(6):
            key = {"Idempotency-Key": f"key-{number}"}
            answer = await http.post("images/generate", json=PICTURE | {"seed": number}, headers=key)
            assert answer.status_code == 202, answer.text
            task_id = answer.json()["task_id"]
            accepted.append(Accepted(task_id=task_id, account_id=user["user_id"], idempotency_key=f"key-{number}"))
        await http.post(f"tasks/{accepted[-1].task_id}/cancel")
    return accepted


def lines(violations: list[Violation]) -> list[str]:
    return [str(violation) for violation in violations]


def assert_found(violations: list[Violation], invariant: str, *words: str) -> None:
    """One violation of the invariant holds all the words."""
    shown = lines(violations)
    assert any(line.startswith(f"{invariant} ") and all(word in line for word in words) for line in shown), (
        words,
        shown,
    )


async def test_a_run_is_clean_and_what_is_broken_afterwards_is_found(
    stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = stack.settings
    accepted = await work(stack)
    vandal, poison = Vandal(settings), []
    for topic in ("requests", "reports", "tasks"):
        offset = await vandal.write(topic, JUNK, [("by", b"a vandal")])
        poison.append(Poison(topic=topic, partition=0, offset=offset))
    quiet_s = await wait_quiet(settings, 60, [one.task_id for one in accepted])
    seen: dict[str, Any] = {"accepted": accepted, "poison": poison, "quiet_s": quiet_s}
    await the_collector_takes_what_no_event_names(vandal, accepted, capsys)
    async with collected(settings, **seen) as evidence:
        findings = examine(evidence)
        assert lines(findings.violations) == []
        assert all(findings.checked[f"I{number}"] > 0 for number in range(1, 9)), findings.checked
        vandal.log = evidence.log
        await the_command_tells(stack, capsys, accepted)
        places = await vandalise(vandal, stack)
    async with collected(settings, **seen) as evidence:
        violations = check(evidence)
    for invariant, words in places:
        assert_found(violations, invariant, *words)
    written = {word for _, words in places for word in words if word.startswith(("tasks[", "quotas["))}
    await the_audit_names(settings, {*written, f"tasks[0]@{poison[-1].offset}"})


async def the_audit_names(settings: Settings, written: set[str]) -> None:
    """Every record of the ledger that the vandal wrote, and the bytes that are none."""
    found = (await audit_log(settings, Span())).findings
    assert written <= {f"{one.topic}[{one.partition}]@{one.offset}" for one in found}


async def the_collector_takes_what_no_event_names(
    vandal: Vandal, accepted: list[Accepted], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of all objects what a stopped attempt could have left, nothing else; the check that follows has no grace."""
    store = create_object_store(vandal.settings, b"k" * 32)
    left = sorted(f"results/{one.task_id}/shot-01/a9-e9/main.png" for one in accepted[:2])
    young = "accounts/nobody/assets/young-0123456789abcdef.png"
    for key in (*left, young):
        await store.put(key, b"x", "image/png")
    before = {item.key async for item in store.list()}
    garbage = await find_garbage(vandal.settings, store, 0)
    assert [item.key for item in garbage if item.key in left] == left
    assert await find_garbage(vandal.settings, store, 3_600) == []
    assert await delete_garbage(store, garbage, 3_600) == 0  # younger than an hour
    shown = await storyreel_gc(vandal.settings, capsys)
    assert all(f"left by a finished task {key}" in " ".join(shown.split()) for key in left)
    assert f"found: {len(garbage)}, nothing deleted" in shown
    assert {item.key async for item in store.list()} == before
    assert f"deleted: {len(garbage)}" in await storyreel_gc(vandal.settings, capsys, "--delete")
    assert {item.key async for item in store.list()} == before - {item.key for item in garbage}
    [act] = await acts_of(vandal.settings, "store gc")
    assert sum(map(int, re.findall(r"(\d+) objects", act.detail))) == len(garbage)


async def storyreel_gc(settings: Settings, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `storyreel store gc` without a grace prints."""
    arguments = ["store", "gc", "--data", str(settings.data_dir), "--grace", "0", *options]
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(storyreel, arguments)
    assert not ended.value.code
    return capsys.readouterr().out


async def the_command_tells(stack: LocalStack, capsys: pytest.CaptureFixture[str], accepted: list[Accepted]) -> None:
    """Without `--seen` it does not know of the poison: it prints a table and ends with 1. A lost task keeps it waiting: 2."""
    data = ["--data", str(stack.paths.data)]
    assert await asyncio.to_thread(main, data) == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in shown[1:9]] == ["0"] * 7 + ["6"]
    assert sum(line.startswith("VIOLATION I8 ") for line in shown) == 6
    assert "records checked in" in shown[-1]
    told = stack.paths.data / "seen.json"
    told.write_bytes(msgspec.json.encode(Seen(accepted=[*accepted, Accepted(task_id="lost")])))
    assert await asyncio.to_thread(main, [*data, "--seen", str(told), "--timeout", "1"]) == 2
    assert "1 accepted tasks are not on the log: lost" in capsys.readouterr().err


async def vandalise(vandal: Vandal, stack: LocalStack) -> list[tuple[str, tuple[str, ...]]]:
    """Break what each invariant protects; returns the invariant and what a violation must name."""
    completed = vandal.last(StageCompleted)
    queued = vandal.last(TaskQueued)
    reserved = vandal.last(QuotaReserved)
    for name in ("read-models", "coordinator"):
        await stack.hold_down(name)
    old = await vandal.write_record(replace(completed, epoch=0))
    twice = await vandal.write_record(reserved)
    ghost = replace(queued, task_id="ghost", request_id="ghost")
    lost = await vandal.write_record(ghost)
    ignored = await vandal.write("requests", JUNK + b"!", [])
    task_id = completed.task_id
    await vandal.sql(f"UPDATE read_models.tasks SET progress = 7 WHERE task_id = '{task_id}'")
    await vandal.sql("UPDATE read_models.quota_usage SET used = used + 1")
    missing, cut = await spoil_objects(vandal, completed)
    letter = next(iter(vandal.log.letters()))
    headers = [(name, value or b"") for name, value in letter.raw.headers]
    await vandal.write("dead.letters", letter.raw.value or b"", headers)
    return [
        ("I1", ("a task event without a decision about request ghost", f"tasks[0]@{lost}")),
        ("I2", (f"task {reserved.task_id} reserves twice", f"quotas[0]@{twice}")),
        ("I2", ("the read model quota_usage shows",)),
        ("I3", (f"a row of tasks ({task_id}) differs", "progress: live 7, rebuilt 100")),
        ("I4", ("under epoch 0", f"tasks[0]@{old}")),
        ("I5", (f"{missing} is missing", "StageCompleted")),
        ("I5", (f"{cut} is not as recorded",)),
        ("I5", ("results/nobody/shot-01/a1-e1/main.png is named by no event",)),
        ("I6", ("was taken before", f"tasks[0]@{old}")),
        ("I7", ("coordinator stands at requests[0]",)),
        ("I7", ("read-models stands at tasks[0]",)),
        ("I8", ("became 2 dead letters",)),
        ("I8", (f"requests[0]@{ignored} is unreadable", "was not injected")),
    ]


async def spoil_objects(vandal: Vandal, completed: StageCompleted) -> tuple[str, str]:
    """Delete one file of a stage, cut another on disk, put one that nobody asked for."""
    store = create_object_store(vandal.settings, b"k" * 32)
    missing, cut = (artifact.key for artifact in completed.artifacts[:2])
    await store.delete(missing)
    folder = vandal.settings.data_dir / "objects" / Path(cut).parent
    content = next(
        path for path in folder.iterdir() if path.name.startswith(f"{Path(cut).name}@") and "meta" not in path.name
    )
    content.write_bytes(content.read_bytes()[:10])
    await store.put("results/nobody/shot-01/a1-e1/main.png", b"x", "image/png")
    return missing, cut
