"""Snapshots on the real broker: taken while deciding, used at the next start, refused when they cannot be right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.object_store import create_object_store
from schemas.decisions import Outcome
from schemas.errors import ContractError
from schemas.requests import ImageRequested
from schemas.snapshots import LedgerMarked
from streams.coordinator import policy_of
from streams.recovery import Recovered
from streams.snapshots.marks import newest_mark
from streams.snapshots.shelf import Shelf, shelf_of
from streams.standby import following, recover
from tests.integration.coordinator.desk import Coordinator, Desk, check_ledger, images, read_ledger

TAKEN, READ, REFUSED = '"snapshot of shard_seq', "read the snapshot", "is not used"
HURRIED = "neither snapshot nor mark"


async def ask_many(desk: Desk, count: int) -> Sequence[ImageRequested]:
    account = await desk.account()
    requests = [images(account, "nobody-has-it") for _ in range(count)]
    for request in requests:
        await desk.post(request)
    await desk.until(lambda: all(desk.decisions[request.request.request_id] for request in requests))
    return requests


async def leave(desk: Desk, coordinator: Coordinator) -> None:
    """Let it decide so much that it saves its state when it is told to stop. On a busy machine it may lack the time."""
    for _ in range(10):
        await coordinator.start()
        await ask_many(desk, 30)
        hurried = coordinator.log.read_text().count(HURRIED)
        assert await coordinator.stop() == 0
        if coordinator.log.read_text().count(HURRIED) == hurried:
            return
    raise AssertionError("it never had the time to save its state")


async def from_snapshot(desk: Desk) -> tuple[Recovered | None, Recovered]:
    """The newest usable snapshot, and the state after folding what follows it."""
    shelf = await shelf_of(desk.settings, 0)
    saved = await shelf.load(await mark_now(desk))
    async with following(desk.settings, desk.codec, policy_of(desk.settings), 0) as follower:
        await follower.begin(saved or Recovered.empty(0))
        return saved, await follower.finish()


async def mark_now(desk: Desk) -> LedgerMarked:
    mark = await newest_mark(desk.settings, desk.codec, 0)
    assert mark is not None
    return mark


async def test_snapshot_and_tail_equal_the_fold_from_zero(desk: Desk, coordinator: Coordinator) -> None:
    taken = coordinator.log.read_text().count(TAKEN)
    await ask_many(desk, 300)
    await coordinator.logged(TAKEN, taken + 1)
    requests = await ask_many(desk, 20)
    await coordinator.kill()
    saved, found = await from_snapshot(desk)
    whole = await recover(desk.settings, desk.codec, policy_of(desk.settings))
    assert saved is not None
    assert 0 < found.events < whole.events
    assert (found.state, found.heads, found.positions) == (whole.state, whole.heads, whole.positions)
    await coordinator.start()
    assert READ in coordinator.log.read_text()
    again = replace(requests[0], request=replace(requests[0].request, request_id="again" + requests[0].request.task_id))
    assert (await desk.ask(again)).outcome is Outcome.DUPLICATE, "what was decided before is remembered"
    await coordinator.kill()
    check_ledger(await read_ledger(desk))


async def test_leaving_saves_the_state_and_two_are_kept(desk: Desk, coordinator: Coordinator) -> None:
    for _ in range(3):
        await leave(desk, coordinator)
    mark = await mark_now(desk)
    saved, found = await from_snapshot(desk)
    assert saved is not None
    assert found.events == 0, "nothing is left to fold"
    assert mark.shard_seq == found.heads.shard_seq
    assert len(mark.snapshots) == 2
    store = create_object_store(desk.settings, b"k" * 32)
    assert {kept.key async for kept in store.list("snapshots/")} == {ref.key for ref in mark.snapshots}


async def test_a_damaged_snapshot_is_refused_and_the_log_is_folded(desk: Desk, coordinator: Coordinator) -> None:
    for _ in range(2):
        await leave(desk, coordinator)
    whole = await recover(desk.settings, desk.codec, policy_of(desk.settings))
    newest, older = (stored(desk, ref.key) for ref in (await mark_now(desk)).snapshots)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    saved, found = await from_snapshot(desk)
    assert saved is not None
    assert found.events > 0, "the one before it is used"
    older.unlink()
    refused = coordinator.log.read_text().count(REFUSED)
    saved, found = await from_snapshot(desk)
    assert saved is None
    assert (found.state, found.heads) == (whole.state, whole.heads)
    await coordinator.start()
    assert coordinator.log.read_text().count(REFUSED) == refused + 2
    await ask_many(desk, 1)


async def test_a_snapshot_of_another_log_is_refused(desk: Desk, coordinator: Coordinator) -> None:
    await coordinator.kill()
    here = await shelf_of(desk.settings, 0)
    elsewhere = Shelf(here._store, replace(here._identity, cluster_id="elsewhere"))
    ref = await elsewhere.put(await recover(desk.settings, desk.codec, policy_of(desk.settings)))
    assert await here.load(LedgerMarked(snapshots=[ref])) is None
    assert await elsewhere.load(LedgerMarked(snapshots=[ref])) is not None


async def test_a_log_that_ends_before_its_snapshot_keeps_it_from_starting(desk: Desk, coordinator: Coordinator) -> None:
    await coordinator.kill()
    found = await recover(desk.settings, desk.codec, policy_of(desk.settings))
    ahead = replace(found, positions={**found.positions, ("tasks", 0): found.positions["tasks", 0] + 100})
    async with following(desk.settings, desk.codec, policy_of(desk.settings), 0) as follower:
        with pytest.raises(ContractError, match="the log is incomplete or another one"):
            await follower.begin(ahead)


def stored(desk: Desk, key: str) -> Path:
    """The file that the local object store keeps under a key."""
    found = (desk.settings.data_dir / "objects").rglob(key.rpartition("/")[2] + "*")
    return max((path for path in found if path.is_file()), key=lambda path: path.stat().st_size)
