"""The audit's table of legal transitions, for a log that is read from its first record and while every answer is remembered.

So nothing is "unknown", and a rejected request stays rejected.
"""

from __future__ import annotations

from infra.audit import transitions
from infra.audit.transitions import CLOSED, ON_DEVICE

TASK = {status: moves for status, moves in transitions.TASK.items() if status != "unknown"} | {"rejected": {}}
STAGE = {status: moves for status, moves in transitions.STAGE.items() if status != "unknown"}

__all__ = ["CLOSED", "ON_DEVICE", "STAGE", "TASK"]
