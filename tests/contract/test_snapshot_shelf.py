"""Which snapshots stay in the object store."""

from __future__ import annotations

from pathlib import Path

from schemas.snapshots import SnapshotRef
from streams.snapshots.format import Identity
from streams.snapshots.shelf import Shelf
from tests.contract.object_store_helpers import PNG, Clock, keys, local_store


async def test_what_was_saved_and_never_announced_goes_with_the_old_ones(tmp_path: Path) -> None:
    """A coordinator that was killed, or fenced, between saving and announcing leaves a snapshot that no mark names."""
    store = local_store(tmp_path / "objects", Clock(1.0))
    shelf = Shelf(store, Identity.here("cluster", {}, 0))

    async def saved(shard_seq: int) -> SnapshotRef:
        stored = await store.put(f"snapshots/cluster/0/{shard_seq:020d}-00.snap", b"state", PNG)
        return SnapshotRef(key=stored.key, sha256=stored.sha256, size=stored.size, shard_seq=shard_seq)

    for unannounced in (5, 20, 25):
        await saved(unannounced)
    other = await store.put(f"snapshots/cluster/1/{0:020d}-00.snap", b"of another shard", PNG)
    second, first = await saved(10), await saved(30)
    newer = await saved(40)  # of who took over meanwhile
    await shelf.prune([first, second])
    assert set(await keys(store)) == {ref.key for ref in (first, second, newer)} | {other.key}
