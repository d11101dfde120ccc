"""One client's stream of one task: what the log holds after the last id the client saw, then what happens now."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator

from api.errors import ApiError
from api.live.hub import Hub
from api.live.sse import KEEP_ALIVE, OPENING, TERMINAL, event_frame, progress_frame, resume_frame
from api.reads import Reads
from projections.folds.task_events import TaskEventRow
from projections.postgres import is_absent, is_transient

log = logging.getLogger(__name__)
KEEP_ALIVE_S = 15.0


async def task_stream(
    hub: Hub, reads: Reads, account_id: str, task_id: str, after: int, keep_alive_s: float = KEEP_ALIVE_S
) -> AsyncGenerator[bytes, None]:
    """Frames until the task ended. `after` is the account_seq seen last, 0 for everything.

    It subscribes first and reads the history afterwards, so nothing can fall between; what comes twice is dropped by
    its id. When the history cannot be had or the client is too slow, a `resume` frame ends the stream.
    """
    last = after
    with hub.subscribe(task_id) as subscription:
        yield OPENING
        try:
            history = await reads.task_events(account_id, task_id, after)
            over = history == [] and await reads.finished(account_id, task_id)
        except Exception as error:
            if not (isinstance(error, ApiError) or is_transient(error) or is_absent(error)):
                raise
            log.warning("a stream ends early: %r", error)
            history, over = None, False
        if history is None:
            yield resume_frame(last)
            return
        for row in history:
            yield event_frame(row)
            last = row.account_seq
        if over or _ended(history):
            return
        while True:
            try:
                frame = await subscription.next(keep_alive_s)
            except TimeoutError:
                yield KEEP_ALIVE
                continue
            if frame is None:
                yield resume_frame(last)
                return
            if not isinstance(frame, TaskEventRow):
                yield progress_frame(frame)
                continue
            if frame.account_seq > last:
                yield event_frame(frame)
                last = frame.account_seq
            if frame.type in TERMINAL:
                return


def _ended(history: list[TaskEventRow]) -> bool:
    return bool(history) and history[-1].type in TERMINAL
