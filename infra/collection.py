"""Garbage collection of the object store: what the log does not need is found, and deleted when asked to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from infra.object_store.garbage import TOPICS, UPLOAD_GRACE, Inventory, Reason
from infra.object_store.port import ObjectStore
from infra.registry import load_codec
from infra.settings import Settings
from infra.whole_log import WholeLog


class Garbage(Struct, frozen=True, kw_only=True):
    """An object that nobody needs; `size` in bytes."""

    key: str
    size: int
    reason: Reason


async def find_garbage(settings: Settings, store: ObjectStore, grace_s: float) -> list[Garbage]:
    """Objects older than `grace_s` seconds that may go, uploads only when older than 72 h as well; in order of keys.

    The store is listed first and the log read afterwards, so that whatever names a listed object has been seen. Raises
    `ContractError` if the log has a hole: a missing record might name what would be deleted.
    """
    old = [item async for item in store.list(older_than_s=grace_s)]
    uploads = {item.key async for item in store.list("accounts/", older_than_s=max(grace_s, UPLOAD_GRACE))}
    inventory = Inventory()
    async for record in WholeLog(settings, await load_codec(settings), TOPICS).catch_up():
        inventory.learn(record)
    judged = ((item, inventory.reason(item.key)) for item in old)
    return [
        Garbage(key=item.key, size=item.size, reason=reason)
        for item, reason in judged
        if reason is not None and (reason != "unused upload" or item.key in uploads)
    ]


async def delete_garbage(store: ObjectStore, garbage: Sequence[Garbage], grace_s: float) -> int:
    """Delete what `find_garbage` found, but what was written again since; how many objects went."""
    gone = 0
    for item in garbage:
        age = max(grace_s, UPLOAD_GRACE) if item.reason == "unused upload" else grace_s
        if item.key in {found.key async for found in store.list(item.key, older_than_s=age)}:
            await store.delete(item.key)
            gone += 1
    return gone


def totals(garbage: Sequence[Garbage]) -> list[tuple[Reason, int, int]]:
    """For each reason how many objects and bytes."""
    by_reason = groupby(sorted(garbage, key=lambda item: item.reason), key=lambda item: item.reason)
    return [(reason, len(sizes), sum(sizes)) for reason, items in by_reason if (sizes := [item.size for item in items])]
