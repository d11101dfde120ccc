"""One client's stream of everything that happens to an account's tasks: history after an id, then live, each event once."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Literal

from msgspec import Struct

from api.errors import ApiError, unavailable
from api.live.hub import Hub, Subscription
from api.reads import Reads
from projections.folds.task_events import TaskEventRow
from projections.postgres import is_absent, is_transient
from schemas.render import StageProgressed

log = logging.getLogger(__name__)
KEEP_ALIVE_S = 15.0
PAGE = 500
EndReason = Literal["slow", "shutdown", "lost", "behind"]


class Opened(Struct, frozen=True):
    """The stream has begun after this id; a client that is cut off before its first event goes on from here."""

    last_event_id: int


class KeepAlive(Struct, frozen=True):
    """Nothing happened for a while."""


class Ended(Struct, frozen=True):
    """The stream ends although nothing is over; the client comes back with this id.

    "slow": it read too slowly, "shutdown": this process stops, "lost": this process missed records, "behind": the read
    model does not answer. None before anything was told: the client begins once more.
    """

    last_event_id: int | None
    reason: EndReason


StreamItem = Opened | TaskEventRow | StageProgressed | KeepAlive | Ended


async def account_stream(
    hub: Hub, reads: Reads, account_id: str, after: int | None, keep_alive_s: float = KEEP_ALIVE_S, page: int = PAGE
) -> AsyncGenerator[StreamItem, None]:
    """What a client sees, without end until an `Ended`. `after` is the account_seq seen last, None for the present.

    Old history is read page by page before anything live is kept for the client, so a long way back needs no memory.
    Ids of an account have no gaps; whatever does not follow on the last one is read from the log's history.
    """
    last = after
    try:
        if last is not None:
            yield Opened(last)
            async for row in _history(reads, account_id, last, page):
                yield row
                last = row.account_seq
        with hub.subscribe_account(account_id) as subscription:
            if last is None:
                last = await reads.newest_event(account_id)
                yield Opened(last)
            async for row in _history(reads, account_id, last, page):
                yield row
                last = row.account_seq
            async for item in _live(subscription, keep_alive_s):
                if not isinstance(item, TaskEventRow):
                    yield Ended(last, item) if isinstance(item, str) else item
                    continue
                if item.account_seq <= last:
                    continue
                if item.account_seq == last + 1:
                    yield item
                    last = item.account_seq
                    continue
                async for row in _history(reads, account_id, last, page):
                    yield row
                    last = row.account_seq
    except Exception as error:
        if not (isinstance(error, ApiError) or is_transient(error) or is_absent(error)):
            raise
        log.warning("an account's stream ends early: %r", error)
        yield Ended(last, "behind")


async def _history(reads: Reads, account_id: str, after: int, page: int) -> AsyncIterator[TaskEventRow]:
    """All events after an id up to now, oldest first. Raises `ApiError` 503 when the rows are behind or lack one."""
    while True:
        rows = await reads.account_events(account_id, after, page)
        for row in rows:
            after += 1
            if row.account_seq != after:
                raise unavailable("the history is not up to date yet")
            yield row
        if len(rows) < page:
            return


async def _live(
    subscription: Subscription, keep_alive_s: float
) -> AsyncIterator[TaskEventRow | StageProgressed | KeepAlive | EndReason]:
    while True:
        try:
            frame = await subscription.next(keep_alive_s)
        except TimeoutError:
            yield KeepAlive()
            continue
        if frame is None:
            yield subscription.reason
            return
        yield frame
