"""The steps of an erasure, in an order in which a crash leaves nothing but work for the next run:

1. the event on the log: nobody can ask anything for the account any more, all its work is cancelled;
2. its key and credentials in the keystore: whatever was sealed is unreadable, wherever a copy lies;
3. once the last of its work has ended: its objects;
4. the act on `operator.acts`: what was deleted.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from infra import crash_points
from infra.erasure.asking import PATIENCE, ask
from infra.erasure.belongings import TOPICS, Belongings, Pictured, Work
from infra.keystore import SqliteKeystore
from infra.object_store.port import ObjectStore
from infra.operators import operator_name, record_act
from infra.registry import load_codec
from infra.settings import Settings
from infra.whole_log import WholeLog
from schemas.envelope import Envelope
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.ids import new_id
from schemas.requests import AccountErasureRequested, RequestInfo

ACT = "account erase"
_PAUSE = 0.5


class Erased(Struct, frozen=True, kw_only=True):
    """What is no more, and what had been made. Sizes in bytes; `made` are the tasks that used pictures of a person."""

    account_id: str
    erased_at: datetime
    operator: str
    objects: int
    size: int
    tasks: int
    characters: list[Pictured]
    made: list[Work]


async def erase_account(
    settings: Settings, keystore: SqliteKeystore, store: ObjectStore, account_id: str, reason: str, patience: float
) -> Erased:
    """Erase the account; done before, it says so and completes what may be left.

    Raises `ConfigurationError` for an account that the log does not know or whose key this keystore never had,
    `InfrastructureError` when a part is away or work has not ended within `patience` seconds: run it again then.
    """
    codec = await load_codec(settings)
    log, mine = WholeLog(settings, codec, TOPICS), Belongings(account_id)
    await _learn(log, mine)
    if not mine.registered:
        raise ConfigurationError(f"no account {account_id} on the log; accounts are named by their id")
    if not keystore.knows(account_id):
        raise ConfigurationError(f"the keystore here never had the key of {account_id}: erase it where its keystore is")
    if not mine.erased:
        await ask(settings, codec, _request(account_id, reason))
        crash_points.reach("erasure.after_event")
    keystore.erase_account(account_id)
    crash_points.reach("erasure.after_key")
    await _until_ended(log, mine, patience)
    objects, size = await _delete(store, mine)
    counts = f"{objects} objects, {size} bytes, {len(mine.characters)} characters, {len(mine.works)} tasks"
    await record_act(settings, ACT, account_id, reason=reason, detail=counts, account_id=account_id)
    return Erased(
        account_id=account_id,
        erased_at=mine.erased_at,
        operator=mine.erased_by,
        objects=objects,
        size=size,
        tasks=len(mine.works),
        characters=list(mine.characters.values()),
        made=mine.pictured,
    )


def _request(account_id: str, reason: str) -> AccountErasureRequested:
    now, request_id = datetime.now(UTC), new_id()
    info = RequestInfo(request_id=request_id, task_id=account_id, valid_until=now + timedelta(seconds=PATIENCE))
    envelope = Envelope(
        event_id=new_id(),
        aggregate_id=account_id,
        account_id=account_id,
        occurred_at=now,
        correlation_id=request_id,
    )
    return AccountErasureRequested(envelope=envelope, request=info, operator=operator_name(), reason=reason)


async def _learn(log: WholeLog, mine: Belongings) -> None:
    async for record in log.catch_up():
        mine.learn(record)


async def _until_ended(log: WholeLog, mine: Belongings, patience: float) -> None:
    """Until the log tells the end of the account and of its last task: nothing is written for it any more."""
    deadline = time.monotonic() + patience
    while not mine.erased or mine.open_tasks:
        await _learn(log, mine)
        if mine.erased and not mine.open_tasks:
            return
        if time.monotonic() > deadline:
            waiting = ", ".join(mine.open_tasks[:3]) or "the event of the erasure"
            raise InfrastructureError(f"still waiting for the end of {waiting}; the key is gone, run the command again")
        await asyncio.sleep(_PAUSE)


async def _delete(store: ObjectStore, mine: Belongings) -> tuple[int, int]:
    """How many objects and bytes went."""
    objects = size = 0
    for prefix in mine.prefixes:
        for item in [item async for item in store.list(prefix)]:
            await store.delete(item.key)
            objects, size = objects + 1, size + item.size
            crash_points.reach("erasure.after_object")
    return objects, size
