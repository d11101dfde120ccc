"""I6: a stage that ran out of memory on a device goes to it again only where no other device could take it."""

from __future__ import annotations

from collections.abc import Callable

from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import LedgerRecord
from schemas.render import RenderCommand
from schemas.tasks import StageRetryScheduled

OUT_OF_MEMORY = "out_of_memory"


class Memory:
    """What the log says of devices that can do something and of those that were too small for a stage."""

    def __init__(self, fail: Callable[[str], None]) -> None:
        self._fail = fail
        self._engines: dict[str, set[str]] = {}
        self._last: dict[tuple[str, str], str] = {}
        self._too_small: dict[tuple[str, str], set[str]] = {}

    def fold(self, event: LedgerRecord) -> None:
        """Check commands, take over devices and failures."""
        match event:
            case DeviceChanged(status=DeviceStatus.LIVE):
                self._engines[event.device_id] = {engine.name for engine in event.engines if not engine.problem}
            case DeviceChanged():
                self._engines.pop(event.device_id, None)
            case StageRetryScheduled() if event.problem.code == OUT_OF_MEMORY:
                key = (event.task_id, event.stage_id)
                self._too_small.setdefault(key, set()).add(self._last[key])
                if event.avoid_device != self._last[key]:
                    self._fail(f"I6 {key} avoids {event.avoid_device!r} after {self._last[key]} ran out of memory")
            case RenderCommand():
                self._command(event)

    def _command(self, event: RenderCommand) -> None:
        key = (event.task_id, event.stage_id)
        self._last[key] = event.device_id
        too_small = self._too_small.get(key, set())
        able = {device_id for device_id, engines in self._engines.items() if event.engine in engines}
        if event.device_id in too_small and (others := able - too_small):
            self._fail(f"I6 {key} goes to {event.device_id} again, which ran out of memory, not to {sorted(others)}")
