"""How long the coordinator lets inputs gather: under load few large transactions cost every process less than many small ones.

A transaction costs the broker a marker on every partition it wrote to and a few requests, every reader an answered fetch, and
PostgreSQL a commit, however many tasks are in it. Alone, a request waits for nothing.
"""

from __future__ import annotations

import math

INTERVAL = 0.025  # seconds between the begins of two transactions under load
BUSY = 250.0  # inputs a second from which on there is load; one client that waits for each task makes about 100
_MEMORY = 0.5  # seconds over which the rate is an average


class Pace:
    """Pure arithmetic over times that are handed in, in seconds of one clock."""

    def __init__(self, interval: float = INTERVAL, busy: float = BUSY) -> None:
        self._interval, self._busy = interval, busy
        self._level = 0.0  # inputs, each weighing less the older it is
        self._at = -math.inf
        self._begun = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next transaction may begin, 0 without load."""
        if self._decayed(now) / _MEMORY < self._busy:
            return 0.0
        return min(self._interval, max(0.0, self._begun + self._interval - now))

    def begun(self, now: float, inputs: int) -> None:
        """A transaction begins with that many inputs."""
        self._level = self._decayed(now) + inputs
        self._at = self._begun = now

    def _decayed(self, now: float) -> float:
        return self._level * math.exp((self._at - now) / _MEMORY) if self._level else 0.0
