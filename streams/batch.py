"""What one transaction will hold: inputs decided one by one on top of the committed state. No IO."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from schemas.common import Ending, Problem
from schemas.envelope import LedgerRecord, Record
from schemas.serde import Codec
from schemas.tasks import TaskEvent
from schemas.topics import REQUESTS
from streams import ledger, rejection
from streams.domain import ending
from streams.domain.decider import RULES, decide
from streams.domain.devices import LeaseLapsed
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState

log = logging.getLogger(__name__)


class Batch:
    """`entries` and `dead` are to be written; `state` and `heads` hold once they are. Every decision is in whole or not."""

    def __init__(self, state: ShardState, heads: ledger.Heads, codec: Codec, policy: Policy) -> None:
        self.state = state
        self.heads = heads
        self.entries: list[ledger.Entry] = []
        self.dead: list[rejection.DeadLetter] = []
        self._codec = codec
        self._policy = policy

    def take(self, message: ConsumerRecord, record: Record) -> None:
        """Consume one input. One whose decision raises becomes a dead letter and a rejection, and changes nothing else."""
        self._advance(message)
        try:
            self.decide(record, record.envelope.event_id)
        except Exception as error:
            log.exception("%s[%d]@%d: deciding failed", message.topic, message.partition, message.offset)
            self._bury(message, record, error)
            if (instead := rejection.stand_in(record, error)) is not None:
                self.decide(instead, record.envelope.event_id)

    def refuse(self, message: ConsumerRecord, error: Exception) -> None:
        """Consume one input that nobody can read."""
        self._advance(message)
        self._bury(message, None, error)

    def decide(self, event: Record | LeaseLapsed, cause: str) -> None:
        """Decide one input and fold its events."""
        now = datetime.now(UTC)
        self._append(decide(self.state, event, now, self._policy), cause, now)

    def follow_up(self) -> None:
        """Let the state call for more until it calls for nothing."""
        now = datetime.now(UTC)
        for rule in RULES:
            while events := rule(self.state, now, self._policy):
                try:
                    self._append(events, "", now)
                except Exception as error:
                    self._give_up(events, error, now)

    def _advance(self, message: ConsumerRecord) -> None:
        field = "requests_position" if message.topic == REQUESTS.name else "reports_position"
        self.heads = replace(self.heads, **{field: message.offset + 1})

    def _bury(self, message: ConsumerRecord, record: Record | None, error: Exception) -> None:
        self._append([rejection.answer(message, record, error)], "", datetime.now(UTC))
        self.dead.append(rejection.dead_letter(message, error))

    def _give_up(self, events: Sequence[LedgerRecord], error: Exception, now: datetime) -> None:
        """A step that cannot be written would be tried for ever: its task fails instead. Raises what has no task."""
        task = self.state.tasks.get(events[0].task_id) if isinstance(events[0], TaskEvent) else None
        if task is None or task.ending is not None:
            raise error
        log.error("task %s cannot go on and fails", task.task_id, exc_info=error)
        detail = f"the next step of the task could not be written ({type(error).__name__})"
        problem = Problem(type="InternalError", code="internal_error", detail=detail)
        self._append(ending.stop(self.state, task, Ending.FAILED, problem), "", now)

    def _append(self, drafts: Sequence[LedgerRecord], cause: str, now: datetime) -> None:
        state, heads, entries = self.state, self.heads, []
        for drafted in drafts:
            heads, entry = ledger.append(heads, state, drafted, cause, now, self._codec)
            state = evolve(state, entry.record, self._policy)
            entries.append(entry)
        self.state, self.heads = state, heads
        self.entries += entries
