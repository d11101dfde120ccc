"""Decisions: exactly one answer of the coordinator to each consumed request."""

from __future__ import annotations

from enum import StrEnum

from schemas.common import Problem
from schemas.envelope import LedgerRecord


class Outcome(StrEnum):
    """accepted: it happens; rejected: it does not and `problem` says why; duplicate: an earlier request with the same
    key and body already decided; conflict: same key, other body; expired: decided too late, nothing was done.
    """

    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    EXPIRED = "expired"


class RequestDecided(LedgerRecord, frozen=True, kw_only=True):
    """The answer. `task_id` is the task, character, asset or account concerned; `estimated_ms` from measured history."""

    request_id: str = ""
    task_id: str = ""
    outcome: Outcome = Outcome.UNKNOWN
    problem: Problem | None = None
    task_status: str = ""
    estimated_ms: int = 0


AnyDecision = RequestDecided
