"""The checker: reads the committed log alone and knows nothing of the decider's state."""

from __future__ import annotations

import hashlib
from collections import Counter

from schemas.decisions import Outcome, RequestDecided
from schemas.entities import UserRegistered
from schemas.envelope import EPOCH, LedgerRecord, Record
from schemas.requests import (
    CancellationRequested,
    HoldRequested,
    ImageRequested,
    ReleaseRequested,
    Request,
    VideoRequested,
)
from schemas.serde import HEADER, fingerprint
from schemas.tasks import TaskQueued, TaskRejected
from streams.ledger import Entry
from tests.faults.simulation.books import Books
from tests.faults.simulation.lives import Lives
from tests.faults.simulation.log import MemoryLog, Transaction
from tests.faults.simulation.memory import Memory

WORK = (ImageRequested, VideoRequested)


class Checker:
    """Folds the log transaction by transaction; `found` are the broken invariants, in words."""

    def __init__(self, log: MemoryLog) -> None:
        self.found: list[str] = []
        self._log = log
        self._lives = Lives(self._fail)
        self._books = Books(self._fail, log.cached_charge)
        self._memory = Memory(self._fail)
        self._answers: Counter[int] = Counter()
        self._first: dict[str, tuple[str, str]] = {}
        self._users: set[str] = set()
        self._partitions: Counter[tuple[str, int]] = Counter()
        self._accounts: Counter[str] = Counter()
        self._hash = bytes(32)
        self._number = 0
        self._time = EPOCH

    def check(self, *, drained: bool) -> list[str]:
        """All violations; with `drained` also that nothing is open any more and every request has its answer."""
        for transaction in self._log.transactions:
            for entry in transaction.entries:
                self._ledger(entry)
                self._lives.fold(entry.record, self._cause(entry.record), transaction.now)
                self._books.fold(entry.record, transaction.now)
                self._memory.fold(entry.record)
                if isinstance(entry.record, UserRegistered):
                    self._users.add(entry.record.envelope.account_id)
                if isinstance(entry.record, RequestDecided):
                    self._decision(entry.record, transaction)
            self._lives.between_transactions()
            self._books.between_transactions(self._lives)
        if drained:
            self._lives.at_the_end()
            self._books.at_the_end()
            for offset, request in enumerate(self._log.requests):
                if self._answers[offset] != 1:
                    self._fail(f"I1 {request.request.request_id}@{offset} has {self._answers[offset]} decisions")
        return self.found

    def _fail(self, violation: str) -> None:
        if len(self.found) < 20:
            self.found.append(f"#{self._number} {violation}")

    def _cause(self, record: LedgerRecord) -> Record | None:
        caused = record.envelope.causation_id and record.stamp.reports_position
        return self._log.reports[record.stamp.reports_position - 1] if caused else None

    def _ledger(self, entry: Entry) -> None:
        record, stamp = entry.record, entry.record.stamp
        place = (entry.topic, entry.partition)
        self._number += 1
        self._partitions[place] += 1
        if stamp.shard_seq != self._number:
            self._fail(f"I6 shard_seq {stamp.shard_seq} where {self._number} must follow")
        if stamp.partition_seq != self._partitions[place]:
            self._fail(f"I6 {place} has partition_seq {stamp.partition_seq}, not {self._partitions[place]}")
        if stamp.prev_hash != self._hash:
            self._fail("I6 the hash chain is broken")
        self._hash = hashlib.sha256(self._hash + fingerprint(type(record)) + entry.value[HEADER.size :]).digest()
        if record.envelope.occurred_at <= self._time:
            self._fail("I6 time does not grow")
        self._time = record.envelope.occurred_at
        if stamp.account_seq:
            self._accounts[record.envelope.account_id] += 1
            if stamp.account_seq != self._accounts[record.envelope.account_id]:
                self._fail(f"I6 account_seq {stamp.account_seq} of {record.envelope.account_id} has a gap")

    def _decision(self, decision: RequestDecided, transaction: Transaction) -> None:
        offset = decision.stamp.requests_position - 1
        request = self._log.requests[offset]
        self._answers[offset] += 1
        if self._answers[offset] > 1:
            self._fail(f"I1 {decision.request_id}@{offset} is answered twice")
        if decision.request_id != request.request.request_id:
            self._fail(f"I1 {decision.request_id} is answered at the place of {request.request.request_id}")
            return
        expired = transaction.now > request.request.valid_until
        if expired != (decision.outcome is Outcome.EXPIRED):
            self._fail(f"I1 {decision.request_id} is {decision.outcome}, though its validity says expired={expired}")
        elif isinstance(request, WORK) and not expired:
            self._work_decision(decision, request, transaction)
        elif isinstance(request, CancellationRequested) and decision.outcome is Outcome.ACCEPTED:
            self._cancel_decision(decision, request)
        elif isinstance(request, HoldRequested | ReleaseRequested) and decision.outcome is Outcome.ACCEPTED:
            self._hold_decision(decision, request)

    def _work_decision(self, decision: RequestDecided, request: Request, transaction: Transaction) -> None:
        info = request.request
        mine = (request.envelope.account_id, info.body_hash)
        made = [
            type(entry.record)
            for entry in transaction.entries
            if isinstance(entry.record, TaskQueued | TaskRejected)
            and entry.record.request_id == info.request_id
            and entry.record.stamp.requests_position == decision.stamp.requests_position
        ]
        first = self._first.get(info.task_id)
        expected: list[type[TaskQueued | TaskRejected]] | None
        if request.envelope.account_id not in self._users:
            expected = [] if decision.outcome is Outcome.REJECTED else None
        elif first is None:
            expected = [TaskQueued] if decision.outcome is Outcome.ACCEPTED else [TaskRejected]
            expected = expected if decision.outcome in (Outcome.ACCEPTED, Outcome.REJECTED) else None
            self._first[info.task_id] = mine
        else:
            expected = [] if decision.outcome is (Outcome.DUPLICATE if first == mine else Outcome.CONFLICT) else None
        if made != expected:
            names = [kind.__name__ for kind in made]
            self._fail(f"I1 {info.request_id} for {info.task_id} is {decision.outcome} with {names}")

    def _cancel_decision(self, decision: RequestDecided, request: CancellationRequested) -> None:
        task = self._lives.tasks.get(request.request.task_id)
        if task is not None and task.account_id != request.envelope.account_id:
            self._fail(f"I1 {decision.request_id} cancels a task of {task.account_id}")
        elif task is not None and task.status in ("open", "held", "halting"):
            self._fail(f"I1 {request.request.task_id} goes on though its cancel was accepted")

    def _hold_decision(self, decision: RequestDecided, request: HoldRequested | ReleaseRequested) -> None:
        task, info = self._lives.tasks.get(request.request.task_id), request.request
        if task is not None and task.account_id != request.envelope.account_id:
            self._fail(f"I1 {decision.request_id} holds a task of {task.account_id}")
        elif info.asked_by and info.asked_as != "operator":
            self._fail(f"I1 {decision.request_id} is accepted of {info.asked_by}, who may not")
        elif task is not None and task.status == ("open" if isinstance(request, HoldRequested) else "held"):
            self._fail(f"I1 {info.task_id} is {task.status} though {type(request).__name__} was accepted")
