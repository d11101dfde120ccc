"""What the queries of the read models find, and wait for."""

from __future__ import annotations

import asyncio

from projections.queries import Queries
from schemas.common import Limits, Problem, TaskKind, Tier
from schemas.entities import AssetRegistered, StoryboardDrafted, UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaLimitChanged
from schemas.tasks import TaskHeld, TaskQueued, TaskRejected, TaskReleased
from tests.integration.read_models.applying import Applied
from tests.unit.projections.ledger import plan


async def test_lists_filter_and_page(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    events: list[LedgerRecord] = []
    for number in range(6):
        kind = TaskKind.IMAGE if number % 2 else TaskKind.VIDEO
        events.append(ledger.task(TaskQueued(task_id=f"t{number}", kind=kind, priority=5 if number < 5 else 9)))
    rejected = TaskRejected(task_id="no", kind=TaskKind.IMAGE, problem=Problem(code="quota_exceeded"))
    events.append(ledger.task(rejected))
    events.append(ledger.task(TaskQueued(task_id="other"), "bob"))
    await applied("tasks", events)
    first = await queries.tasks("ann", limit=4)
    assert [task.task_id for task in first] == ["t5", "t4", "t3", "t2"]
    rest = await queries.tasks("ann", before=(first[-1].created_at, first[-1].task_id), limit=4)
    assert [task.task_id for task in rest] == ["t1", "t0"]
    assert [task.task_id for task in await queries.tasks("ann", kind=TaskKind.VIDEO)] == ["t4", "t2", "t0"]
    assert await queries.tasks("ann", status="completed") == []
    assert await queries.task("bob", "t1") is None
    assert await queries.task_events("bob", "t1") == []
    refused = await queries.task("ann", "no")
    assert refused is not None
    assert (refused.status, refused.problem) == ("failed", Problem(code="quota_exceeded"))
    assert [await queries.queue_position(name) for name in ("t5", "t0", "t1", "other", "no")] == [1, 2, 3, 7, None]
    assert [row.account_seq for row in await queries.account_events("ann", after_account_seq=5)] == [6, 7]


async def test_users_limits_assets_and_boards(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    user = ledger.stamp(
        UserRegistered(tier=Tier.FREE, limits=Limits(images_per_day=20, videos_per_day=2)), "ann", "ann"
    )
    await applied("users", [user])
    assert await queries.limits("ann") == Limits(images_per_day=20, videos_per_day=2)
    await applied("quotas", [ledger.stamp(QuotaLimitChanged(resource="videos", limit=50), "ann", "ann")])
    assert await queries.limits("ann") == Limits(images_per_day=20, videos_per_day=50)
    assert await queries.limits("bob") is None
    await applied("assets", [ledger.stamp(AssetRegistered(asset_id="a", size=5, sealed=b"k"), "ann", "a")])
    await applied("storyboards", [ledger.stamp(StoryboardDrafted(storyboard_id="s", sealed=b"d"), "ann", "s")])
    asset, board = await queries.asset("ann", "a"), await queries.storyboard("ann", "s")
    assert asset is not None
    assert board is not None
    assert (asset.sealed, board.sealed) == (b"k", b"d")
    assert await queries.asset("bob", "a") is None
    assert await queries.storyboard("bob", "s") is None


async def test_a_wait_ends_when_the_row_is_there_or_the_time_is_up(applied: Applied, queries: Queries) -> None:
    assert not await queries.wait_for("users", 0, 1, 0.05)
    waiting = asyncio.create_task(queries.wait_for("users", 0, 1, 5))
    await applied("users", [applied.ledger.stamp(UserRegistered(), "ann", "ann")])
    assert await waiting


async def test_results_of_a_task_come_with_it_alone(applied: Applied, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    await applied("tasks", [*history, applied.ledger.task(TaskQueued(task_id="u", stages=[plan("image-1")]))])
    task, other = await queries.task("ann", "t"), await queries.task("ann", "u")
    assert task is not None
    assert other is not None
    assert (task.results, other.results) == ({"image-1": b"recipe"}, {})
    assert [row.results for row in await queries.tasks("ann")] == [{}, {}]


async def test_a_held_task_has_no_place_in_the_queue_and_an_owner(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    events = [ledger.task(TaskQueued(task_id=name, kind=TaskKind.IMAGE)) for name in ("t0", "t1")]
    await applied("tasks", [*events, ledger.task(TaskHeld(task_id="t0"))])
    assert [await queries.queue_position(name) for name in ("t0", "t1")] == [None, 1]
    await applied("tasks", [ledger.task(TaskReleased(task_id="t0"))])
    assert [await queries.queue_position(name) for name in ("t0", "t1")] == [1, 2]
    assert [await queries.owner(name) for name in ("t0", "nothing")] == ["ann", None]
    task = await queries.task("ann", "t0")
    assert task is not None
    assert (task.held, task.retry_of, task.cached_from) == (False, "", "")
