"""How often progress goes out: at most four records a second and a preview every two seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from gpu_agents.child.protocol import Progressed
from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.publisher import Publisher
from infra.object_store import ObjectStore
from schemas.envelope import Envelope
from schemas.errors import StoryreelError
from schemas.ids import new_id
from schemas.render import RenderCommand, StageProgressed

log = logging.getLogger(__name__)
PROGRESS_INTERVAL = 0.25  # seconds
PREVIEW_INTERVAL = 2.0
FIRST_AFTER = 0.05  # seconds; what is done by then has an outcome, and nobody looks at its progress
MAX_PREVIEW = 300_000  # bytes


class Throttle:
    """Passes the first event, then one whenever `interval` seconds of `clock` have gone by."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._last: float | None = None

    def passes(self) -> bool:
        """Whether an event may pass now; if so the interval begins anew."""
        now = self._clock()
        if self._last is not None and now - self._last < self._interval:
            return False
        self._last = now
        return True


def percent_of(fraction: float) -> float:
    """0-100 with one decimal, whatever an engine claims."""
    return round(100 * min(1.0, max(0.0, fraction)), 1)


def preview_key_of(command: RenderCommand) -> str:
    """Where the newest preview of a stage lies."""
    return f"previews/{command.task_id}/{command.stage_id}.jpg"


class ProgressTeller:
    """Progress of one command. It is a courtesy: what the broker or the store do not take at once is left out."""

    def __init__(self, command: RenderCommand, publisher: Publisher, store: ObjectStore) -> None:
        self._command = command
        self._publisher = publisher
        self._store = store
        self._records = Throttle(PROGRESS_INTERVAL)
        self._previews = Throttle(PREVIEW_INTERVAL)
        self._preview_key = ""
        self._sending: asyncio.Task[None] | None = None
        self._wait = FIRST_AFTER

    def offer(self, progress: Progressed) -> None:
        """Send this progress if its time has come and the one before is out."""
        if (self._sending is None or self._sending.done()) and self._records.passes():
            self._sending = asyncio.create_task(self._tell(progress), name="progress")

    def close(self) -> None:
        """Leave out what is still on its way, so that no progress follows the outcome."""
        if self._sending is not None:
            self._sending.cancel()

    async def _tell(self, progress: Progressed) -> None:
        await asyncio.sleep(self._wait)
        self._wait = 0.0
        try:
            await self._keep_preview(progress.preview)
            await self._publisher.send(self._record(progress), timeout=1.0)
        except StoryreelError as error:
            log.info("progress of %s is left out: %s", self._command.task_id, error)

    async def _keep_preview(self, preview: bytes | None) -> None:
        if preview and len(preview) <= MAX_PREVIEW and self._previews.passes():
            key = preview_key_of(self._command)
            await self._store.put(key, preview, "image/jpeg")
            self._preview_key = key

    def _record(self, progress: Progressed) -> StageProgressed:
        command, now = self._command, utc_now()
        return StageProgressed(
            envelope=Envelope(
                event_id=new_id(),
                aggregate_id=command.task_id,
                account_id=command.envelope.account_id,
                occurred_at=now,
                correlation_id=command.envelope.correlation_id,
                causation_id=command.envelope.event_id,
            ),
            task_id=command.task_id,
            stage_id=command.stage_id,
            attempt=command.attempt,
            device_id=command.device_id,
            epoch=command.epoch,
            percent=percent_of(progress.fraction),
            step=progress.step,
            steps=progress.steps,
            preview_key=self._preview_key,
            sent_at=now,
        )
