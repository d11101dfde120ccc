"""I1: requests, their decisions, and what clients were told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from schemas.decisions import Outcome, RequestDecided
from schemas.entities import AssetRegistered
from schemas.envelope import LedgerRecord, Record
from schemas.ids import derived_id
from schemas.requests import CancellationRequested, HoldRequested, ReleaseRequested, Request
from schemas.tasks import TaskQueued, TaskRejected
from schemas.topics import REPORTS, REQUESTS
from streams.domain.admission import KINDS
from tests.faults.checker.evidence import Accepted, Seen
from tests.faults.checker.records import Logged
from tests.faults.checker.violations import EventRef, Findings

WORK = tuple(KINDS)
ABOUT_A_TASK = (CancellationRequested, HoldRequested, ReleaseRequested)
ANSWERED = (Outcome.ACCEPTED, Outcome.DUPLICATE)


class Asked:
    """Walks through the requests beside the ledger: every one has one decision, at its place, and what it decided."""

    def __init__(
        self,
        findings: Findings,
        requests: Iterator[Logged],
        accepted: Sequence[Accepted],
        account_of: Callable[[str], str],
    ) -> None:
        self._fail = findings
        self._account_of = account_of
        self._requests = requests
        self._now: Logged | None = None
        self._answer: EventRef | None = None
        self._opened: dict[str, EventRef] = {}
        self._refused: dict[str, EventRef] = {}
        self._wanted = {one.request_id for one in accepted if one.request_id}
        self._decided: dict[str, tuple[Outcome, EventRef]] = {}
        self._assets: set[str] = set()

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Check one record of the ledger."""
        match record:
            case TaskQueued():
                self._opened[record.request_id] = logged.ref
            case TaskRejected():
                self._refused[record.request_id] = logged.ref
            case AssetRegistered():
                self._assets.add(record.asset_id)
            case RequestDecided():
                self._decision(logged, record)

    def _decision(self, logged: Logged, decision: RequestDecided) -> None:
        if decision.request_id in self._wanted:
            self._decided[decision.request_id] = (decision.outcome, logged.ref)
        report = decision.stamp.reports_position - 1
        if decision.request_id == _buried_id(REPORTS.name, logged.partition, report):
            return
        offset = decision.stamp.requests_position - 1
        self._walk_to(offset)
        request = self._now
        if request is None or request.raw.offset != offset or not _answers(decision, request):
            text = f"a decision about {decision.request_id or 'nothing'} that was not asked at requests@{offset}"
            self._fail.add("I1", text, logged.ref, request.ref if request else None)
            return
        if self._answer is not None:
            text = f"request {decision.request_id} at requests@{offset} is answered twice"
            self._fail.add("I1", text, self._answer, logged.ref)
        self._answer = logged.ref
        self._outcome(logged, decision, request.record)

    def _outcome(self, logged: Logged, decision: RequestDecided, request: Record | None) -> None:
        opened = self._opened.pop(decision.request_id, None)
        refused = self._refused.pop(decision.request_id, None)
        accepted = decision.outcome is Outcome.ACCEPTED and isinstance(request, WORK)
        if accepted != (opened is not None):
            text = f"request {decision.request_id} is {decision.outcome}"
            what = "its task was queued" if opened else "no task was queued"
            self._fail.add("I1", f"{text}, but {what}", logged.ref, opened)
        if isinstance(request, ABOUT_A_TASK) and decision.outcome is Outcome.ACCEPTED:
            owner, asker = self._account_of(request.request.task_id), request.envelope.account_id
            if owner not in ("", asker):
                text = f"request {decision.request_id} of {asker} about a task of {owner} is accepted"
                self._fail.add("I1", text, logged.ref)
        if refused is not None and decision.outcome is not Outcome.REJECTED:
            text = f"request {decision.request_id} is {decision.outcome}, but its task was rejected"
            self._fail.add("I1", text, refused, logged.ref)

    def _walk_to(self, offset: int) -> None:
        while self._now is None or self._now.raw.offset < offset:
            following = next(self._requests, None)
            if following is None:
                return
            self._leave()
            self._now, self._answer = following, None

    def _leave(self) -> None:
        if self._now is None:
            return
        self._fail.checked["I1"] += 1
        if self._answer is None:
            self._fail.add("I1", "a request without a decision", self._now.ref)

    def finish(self) -> None:
        """Walk through what nobody answered, and through tasks that nobody decided."""
        self._leave()
        for request in self._requests:
            self._now, self._answer = request, None
            self._leave()
        for made in (self._opened, self._refused):
            for request_id, ref in made.items():
                self._fail.add("I1", f"a task event without a decision about request {request_id}", ref)

    def answers(self, seen: Seen, tasks: Mapping[str, tuple[str, str]]) -> None:
        """Whether what clients were told is true. `tasks` maps ids to (status, account); open ones are a violation."""
        keys: dict[tuple[str, str], str] = {}
        for one in seen.accepted:
            self._fail.checked["I1"] += 1
            status, account = tasks.get(one.task_id, ("", ""))
            if not status and one.task_id not in self._assets:
                self._fail.add("I1", f"task {one.task_id} was acknowledged and is not on the log")
            if status == "rejected" or (account and one.account_id and account != one.account_id):
                self._fail.add("I1", f"task {one.task_id}, acknowledged to {one.account_id}, is {status} of {account}")
            if one.request_id and self._decided.get(one.request_id, (Outcome.UNKNOWN,))[0] not in ANSWERED:
                text = f"request {one.request_id} was acknowledged without a decision that accepts it"
                self._fail.add(
                    "I1", text, self._decided[one.request_id][1] if one.request_id in self._decided else None
                )
            same = (one.account_id, one.idempotency_key)
            if one.idempotency_key and keys.setdefault(same, one.task_id) != one.task_id:
                self._fail.add("I1", f"key {one.idempotency_key} gave tasks {keys[same]} and {one.task_id}")
        promised = {one.task_id for one in seen.accepted}
        for reply in seen.replies:
            self._fail.checked["I1"] += 1
            status = tasks.get(reply.task_id, ("", ""))[0]
            if reply.outcome == "rejected" and reply.task_id not in promised and status not in ("", "rejected"):
                self._fail.add("I1", f"task {reply.task_id} was refused ({reply.code}) and is {status}")


def _buried_id(topic: str, partition: int, offset: int) -> str:
    return derived_id("dead-letter", topic, str(partition), str(offset))


def _answers(decision: RequestDecided, request: Logged) -> bool:
    if isinstance(request.record, Request) and decision.request_id == request.record.request.request_id:
        return True
    return decision.request_id == _buried_id(REQUESTS.name, request.partition, request.raw.offset)
