"""Where a supervised process stands, how its ends are told and when it is started again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import InfrastructureError


class State(StrEnum):
    """Where a process stands. A standby waits for another process of its service to end, a held one was told to stay away."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    STANDBY = "standby"
    BACKOFF = "backoff"
    HELD = "held"
    STOPPED = "stopped"
    FAILED = "failed"


class StackError(InfrastructureError):
    """A part of the stack cannot be started or kept running; the message holds its last log lines."""

    code = "stack"


@dataclass(frozen=True)
class Backoff:
    """Pauses before restarts: `first`, doubled up to `longest`; forgotten after `reset` seconds alive."""

    first: float = 1.0
    longest: float = 30.0
    reset: float = 60.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after the n-th failure in a row (n >= 1)."""
        return float(min(self.first * 2 ** min(failures - 1, 30), self.longest))


@dataclass(frozen=True)
class Failure:
    """A process ended or did not become ready; `pause` seconds until the next try."""

    name: str
    reason: str
    log_lines: tuple[str, ...]
    pause: float
