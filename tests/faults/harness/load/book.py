"""What clients were told: promises, refusals, answers that left them in the dark, and answers that must never come."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from msgspec import Struct

from tests.faults.checker.evidence import Accepted, Reply

MOST_BREACHES = 200


class Answer(Struct, frozen=True, kw_only=True):
    """One answer to one call. `at` is Unix time of the call, `took` seconds; status 0 means that no answer came."""

    at: float
    took: float
    call: str
    status: int
    code: str = ""

    @property
    def arrived(self) -> float:
        """Unix time of the answer."""
        return self.at + self.took


class Task(Struct, kw_only=True):
    """An accepted task as its client knows it. `stopped` once a cancellation was answered with 202."""

    account_id: str
    task_id: str
    call: str
    at: float
    key: str = ""
    stopped: bool = False
    status: str = ""


class Book:
    """Filled by the clients, read by the audit, the checker and the report."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.tasks: dict[str, Task] = {}
        self.accepted: list[Accepted] = []
        self.replies: list[Reply] = []
        self.of_key: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.undecided: dict[str, str] = {}  # task id -> account, of answers 503 decision_unknown without a later one
        self.breaches: list[str] = []
        self.seen: Counter[str] = Counter()

    def answer(self, answer: Answer) -> None:
        """Note an answer; what no client must ever see is a breach."""
        self.answers.append(answer)
        if answer.status >= 500 and answer.status != 503:
            self.breach(f"{answer.call} was answered {answer.status} {answer.code}")

    def promise(self, account_id: str, task_id: str, call: str, key: str) -> Task:
        """The task was accepted."""
        self.accepted.append(Accepted(task_id=task_id, account_id=account_id, idempotency_key=key))
        self.undecided.pop(task_id, None)
        if key:
            self.of_key[account_id, key].add(task_id)
        known = self.tasks.get(task_id)
        if known is None:
            known = self.tasks[task_id] = Task(
                account_id=account_id, task_id=task_id, call=call, at=time.time(), key=key
            )
        return known

    def refusal(self, account_id: str, task_id: str, key: str, code: str) -> None:
        """A definite no."""
        reply = Reply(outcome="rejected", task_id=task_id, account_id=account_id, idempotency_key=key, code=code)
        self.replies.append(reply)

    def unknown(self, account_id: str, task_id: str, key: str) -> None:
        """Neither yes nor no."""
        self.replies.append(
            Reply(outcome="unknown", task_id=task_id, account_id=account_id, idempotency_key=key, code="unknown")
        )
        if task_id and task_id not in self.tasks:
            self.undecided[task_id] = account_id

    def breach(self, text: str) -> None:
        """A client saw what the API promises never to show."""
        if len(self.breaches) < MOST_BREACHES:
            self.breaches.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {text}")

    @property
    def open(self) -> int:
        """Accepted tasks whose end nobody has seen."""
        return sum(not task.status for task in self.tasks.values())

    def arrivals(self, call: str, ok: bool = True) -> list[float]:
        """When answers to a call came, as Unix times; only good ones with `ok`."""
        return sorted(
            a.arrived for a in self.answers if a.call == call and (200 <= a.status < 300 if ok else a.status > 0)
        )
