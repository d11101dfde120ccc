"""For how long the read model has been behind, told from samples."""

from __future__ import annotations


class LagClock:
    """Counts from the first sample that found a lag until one finds none. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._behind_since: float | None = None

    def seconds(self, lag: int, now: float) -> float:
        """How long it has been behind, 0.0 when it is not."""
        if lag == 0:
            self._behind_since = None
            return 0.0
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since
