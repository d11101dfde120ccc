"""Inputs that cannot be decided: kept as dead letters, and answered when somebody waits for an answer."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from schemas.common import Problem
from schemas.decisions import Outcome
from schemas.envelope import LedgerRecord, Record
from schemas.requests import Request
from schemas.serde import Headers
from streams.domain.drafts import decided

PREFIX = "dlq."


def dead_letter_headers(message: ConsumerRecord, error: Exception, reader: str = "coordinator") -> Headers:
    """The original headers plus where the record was, who could not read it and why."""
    return [
        *message.headers,
        (PREFIX + "topic", message.topic.encode()),
        (PREFIX + "partition", str(message.partition).encode()),
        (PREFIX + "offset", str(message.offset).encode()),
        (PREFIX + "reader", reader.encode()),
        (PREFIX + "error", type(error).__name__.encode()),
        (PREFIX + "reason", str(error)[:500].encode()),
        (PREFIX + "attempts", b"1"),
    ]


def internal_error(record: Record, error: Exception) -> list[LedgerRecord]:
    """The rejection of a request whose decision raised: the record itself is in the dead letters."""
    if not isinstance(record, Request):
        return []
    problem = Problem(
        type="InternalError",
        code="internal_error",
        detail=f"the request could not be decided ({type(error).__name__}); it was kept for inspection and not charged",
    )
    return [decided(record, Outcome.REJECTED, problem=problem)]
