"""Inputs that cannot be decided: kept as dead letters, and answered, so that the log says that they were consumed."""

from __future__ import annotations

from aiokafka import ConsumerRecord
from msgspec import Struct

from infra.dead_letters import dead_letter_headers, dead_letter_key, dead_letter_value
from schemas.common import Problem
from schemas.decisions import Outcome, RequestDecided
from schemas.envelope import Record
from schemas.ids import derived_id
from schemas.render import StageFailedReport, StageReport
from schemas.requests import Request
from schemas.serde import Headers
from streams.domain.drafts import decided, draft

MOST_ID = 200  # characters of an id that may be repeated in an answer


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A record for `dead.letters`."""

    value: bytes | None
    key: bytes | None
    headers: Headers


def dead_letter(message: ConsumerRecord, error: Exception, reader: str = "coordinator") -> DeadLetter:
    """Original bytes, key and headers plus where the record was, who could not read it and why.

    A record too large to be written again keeps its first bytes, and headers tell its size and SHA-256.
    """
    return DeadLetter(
        value=dead_letter_value(message),
        key=dead_letter_key(message),
        headers=dead_letter_headers(message, error, reader),
    )


def answer(message: ConsumerRecord, record: Record | None, error: Exception) -> RequestDecided:
    """The rejection that goes with a dead letter: of the request if it could be read, else of the record by its place.

    It charges nothing, and as a record of the ledger it carries the position behind the input.
    """
    kept = "it was kept for inspection and not charged"
    problem = Problem(
        type="InternalError",
        code="internal_error",
        detail=f"the {'request' if isinstance(record, Request) else 'record'} could not be decided "
        f"({type(error).__name__}); {kept}",
    )
    if isinstance(record, Request):
        ids = (record.request.request_id, record.request.task_id, record.envelope.account_id)
        if max(map(len, ids)) <= MOST_ID:
            return decided(record, Outcome.REJECTED, problem=problem)
    place = derived_id("dead-letter", message.topic, str(message.partition), str(message.offset))
    return draft(RequestDecided, "", place, place, request_id=place, outcome=Outcome.REJECTED, problem=problem)


def stand_in(record: Record, error: Exception) -> StageFailedReport | None:
    """What to decide instead of an outcome that could not be decided: the attempt failed for good."""
    if not isinstance(record, StageReport):
        return None
    problem = Problem(
        type="InternalError",
        code="undecidable_report",
        detail=f"the device's report could not be decided ({type(error).__name__}); it was kept for inspection",
    )
    return StageFailedReport(
        envelope=record.envelope,
        task_id=record.task_id,
        stage_id=record.stage_id,
        attempt=record.attempt,
        device_id=record.device_id,
        epoch=record.epoch,
        problem=problem,
    )
