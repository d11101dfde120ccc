"""What the API says of an earlier moment is what the log says up to then: tasks, use and quotas."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiokafka import TopicPartition

from api.views.entities import usage_report
from infra.kafka import assigned, settled_end
from infra.local.stack import LocalStack
from infra.registry import load_codec
from projections.folds.quotas import LimitRow, UsageRow, apply_limit, apply_usage
from projections.folds.tasks import apply_task
from projections.folds.users import UserRow, apply_user, effective_limits
from schemas.common import Limits
from schemas.entities import UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReleased, QuotaReserved
from schemas.tasks import TaskEvent
from schemas.topics import QUOTAS, TASKS, USERS
from tests.e2e.conftest import Account

SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512}
SOON = timedelta(microseconds=1)


async def history(stack: LocalStack, account_id: str) -> list[LedgerRecord]:
    """Every event of an account on the log, in the order of the ledger."""
    codec = await load_codec(stack.settings)
    places = [TopicPartition(topic.name, 0) for topic in (USERS, QUOTAS, TASKS)]
    ends = await settled_end(stack.settings.kafka, places)
    found: list[LedgerRecord] = []
    async with assigned(stack.settings.kafka, dict.fromkeys(places, 0)) as consumer, asyncio.timeout(60):
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [r for m in batch if isinstance(r := codec.decode(m.value, m.topic), LedgerRecord)]
    mine = [record for record in found if record.envelope.account_id == account_id]
    return sorted(mine, key=lambda record: record.stamp.shard_seq)


def quotas(prefix: list[LedgerRecord], at: datetime) -> Any:
    """The answer of `GET /usage`, folded from nothing but the events."""
    user: UserRow | None = None
    limits: dict[str, LimitRow] = {}
    used: dict[tuple[str, str], UsageRow] = {}
    for event in prefix:
        if isinstance(event, UserRegistered):
            user = apply_user(user, event)
        elif isinstance(event, QuotaLimitChanged):
            limits[event.resource] = apply_limit(limits.get(event.resource), event)
        elif isinstance(event, QuotaReserved | QuotaCommitted | QuotaReleased):
            used[event.resource, event.day] = apply_usage(used.get((event.resource, event.day)), event)
    allowed = effective_limits(user.limits, limits.values()) if user else Limits(images_per_day=0, videos_per_day=0)
    return msgspec.to_builtins(usage_report(list(used.values()), allowed, at.date().isoformat()))


def statuses(prefix: list[LedgerRecord]) -> dict[str, str]:
    """State of every task that was there."""
    rows: dict[str, Any] = {}
    for event in prefix:
        if isinstance(event, TaskEvent):
            rows[event.task_id] = apply_task(rows.get(event.task_id), event)  # type: ignore[arg-type]
    return {task_id: row.status for task_id, row in rows.items()}


async def test_every_moment_is_answered_as_the_log_says_it_was(stack: LocalStack, free_account: Account) -> None:
    """A picture, a film that is cancelled, two pictures at once: what is used, set aside and left changes every time."""
    tasks = [(await free_account.accepted("images/generate", SMALL | {"seed": 1}))["task_id"]]
    await free_account.finished(tasks[0])
    film = await free_account.accepted("videos/generate", {"script": "A lamp burns. It goes out."})
    tasks.append(film["task_id"])
    assert (await free_account.http.post(f"tasks/{film['task_id']}/cancel")).status_code in {200, 202}
    tasks.append((await free_account.accepted("images/generate", SMALL | {"seed": 2, "count": 2}))["task_id"])
    for task_id in tasks:
        await free_account.finished(task_id)

    events = await history(stack, free_account.account_id)
    moments = sorted({e.envelope.occurred_at for e in events})
    assert len({json.dumps(quotas(events[:n], moments[0])) for n in range(len(events))}) >= 5
    before = [at - SOON for at in moments]
    for at in [*moments, *before]:
        prefix = [event for event in events if event.envelope.occurred_at <= at]
        asked = {"as_of": at.isoformat()}
        paths = ["usage", *(f"tasks/{task_id}" for task_id in tasks)]
        usage, *shown = await asyncio.gather(*(free_account.http.get(path, params=asked) for path in paths))
        assert usage.json() == quotas(prefix, at), at
        expected = statuses(prefix)
        assert [answer.json()["status"] for answer in shown] == [expected.get(task_id, 404) for task_id in tasks], at

    middle = moments[len(moments) // 2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "projections", "as-of", "--data", str(stack.settings.data_dir)),
        *("--account", free_account.account_id, "--at", middle.isoformat()),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    said, told = json.loads(out), (await free_account.http.get("usage", params={"as_of": middle.isoformat()})).json()
    assert said["limits"] == told["limits"]
    today = {row["resource"]: (row["used"], row["reserved"]) for row in said["usage"] if row["day"] == told["day"]}
    assert all((row["used"], row["reserved"]) == today.get(row["resource"], (0, 0)) for row in told["today"])
