"""How long a job that was told to stop may take until its process is killed."""

from __future__ import annotations

MIN_GRACE = 2.0  # seconds between the order to stop and the kill
MAX_GRACE = 30.0


def grace_of(step_seconds: float) -> float:
    """The time of two steps, at least 2 and at most 30 s."""
    return min(MAX_GRACE, max(MIN_GRACE, 2 * step_seconds))


class StepTime:
    """What a step of the running job takes, from its last two reports. Loading and preparing are no steps."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self.seconds = 0.0  # 0 until two different steps were reported

    def reported(self, step: int, now: float) -> None:
        """The job reports a step at `now` (seconds of any clock that only goes forward)."""
        if self._last is None or step > self._last[0]:
            if self._last is not None:
                self.seconds = (now - self._last[1]) / (step - self._last[0])
            self._last = (step, now)
