"""What clients saw is judged: each thing that must never be seen is found, and an honest run has none of them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.common import Tier
from tests.faults.harness.audit import audit
from tests.faults.harness.load.book import Answer, Book

FREE: Any = SimpleNamespace(account_id="free", tier=Tier.FREE)


def honest() -> Book:
    """A race that was won twenty times, a cancelled task, a repeated key, an outage."""
    book = Book()
    for number in range(20):
        book.promise("free", f"task-{number}", "images/generate", f"key-{number}").status = "completed"
    book.promise("free", "task-0", "images/generate", "key-0")
    stopped = book.promise("vip", "stopped", "images/generate", "")
    stopped.stopped, stopped.status = True, "cancelled"
    book.answer(Answer(at=0, took=0, call="task", status=503, code="service_unavailable"))
    book.answer(Answer(at=0, took=0, call="task", status=0))
    return book


def two_tasks(book: Book) -> None:
    book.promise("vip", "one", "images/generate", "key").status = "completed"
    book.promise("vip", "two", "images/generate", "key").status = "completed"


def goes_on(book: Book) -> None:
    book.tasks["stopped"].status = "completed"


def overdrawn(book: Book) -> None:
    book.promise("free", "more", "images/generate", "key-20").status = "completed"


def too_little(book: Book) -> None:
    del book.tasks["task-3"]


def crash(book: Book) -> None:
    book.answer(Answer(at=0, took=0, call="task", status=500, code="internal"))


def test_an_honest_run_is_clean() -> None:
    assert audit(honest(), [FREE], []) == []


@pytest.mark.parametrize("lie", [two_tasks, goes_on, overdrawn, too_little, crash])
def test_what_must_not_be_seen_is_found(lie: Callable[[Book], None]) -> None:
    book = honest()
    lie(book)
    assert [violation.invariant for violation in audit(book, [FREE], [])] == ["C"]


def test_what_was_given_back_may_be_used_again() -> None:
    book = honest()
    book.tasks["task-3"].status = "failed"
    assert audit(book, [FREE], []) == []
    book.promise("free", "again", "images/generate", "key-20").status = "completed"
    assert audit(book, [FREE], []) == []


def test_a_part_that_stays_away_is_told() -> None:
    assert [v.invariant for v in audit(honest(), [FREE], ["api is still backoff"])] == ["I7"]
