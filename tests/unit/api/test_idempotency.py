"""Idempotency keys, and what the coordinator's decisions become in HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from projections.folds.task_rows import TaskRow
from schemas.common import Problem
from schemas.decisions import Outcome, RequestDecided
from tests.unit.api.helpers import ME, PROMPT
from tests.unit.api.support import NOW, Edge


def test_one_key_and_body_are_one_task_with_one_hash(edge: Edge) -> None:
    with edge.client(ME) as client:
        for body, key in [(PROMPT, "k"), (PROMPT, "k"), ({"prompt": "b"}, "k"), (PROMPT, "l"), (PROMPT, None)]:
            client.post("/api/v1/images/generate", json=body, headers={"Idempotency-Key": key} if key else {})
    first, again, other_body, other_key, no_key = (r.request for r in edge.gateway.requests)
    assert first.task_id == again.task_id == other_body.task_id
    assert first.body_hash == again.body_hash != other_body.body_hash
    assert len({first.task_id, other_key.task_id, no_key.task_id}) == 3
    assert len({r.request.request_id for r in edge.gateway.requests}) == 5


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a b"])
def test_a_key_that_is_no_key_is_refused(edge: Edge, key: str) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert [e["field"] for e in answer.json()["errors"]] == ["Idempotency-Key"]
    assert edge.gateway.requests == []


def test_a_replay_is_answered_like_the_first_call(edge: Edge) -> None:
    with edge.client(ME) as client:
        first = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        edge.gateway.answer = lambda decision: replace(decision, outcome=Outcome.DUPLICATE)
        again = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_a_replay_of_a_task_the_coordinator_forgot_is_still_a_replay(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        info = edge.gateway.requests.pop().request
        old = TaskRow(
            task_id=info.task_id,
            account_id=ME,
            body_hash=info.body_hash,
            status="completed",
            state="completed",
            created_at=NOW.replace(month=1),
        )
        edge.model.rows[old.task_id] = old
        again = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        other = client.post("/api/v1/images/generate", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["status"]) == (202, "completed")
    assert other.status_code == 422
    assert edge.gateway.requests == []


REFUSALS: list[tuple[Callable[[RequestDecided], RequestDecided], int, str]] = [
    (lambda d: replace(d, outcome=Outcome.CONFLICT), 422, "IdempotencyKeyReuse"),
    (lambda d: replace(d, outcome=Outcome.EXPIRED), 503, "RequestExpired"),
    (
        lambda d: replace(d, outcome=Outcome.REJECTED, problem=Problem(type="QuotaExceeded", code="quota_exceeded")),
        400,
        "QuotaExceeded",
    ),
]


@pytest.mark.parametrize(("answer", "status", "kind"), REFUSALS)
def test_refusals_are_problems(
    edge: Edge, answer: Callable[[RequestDecided], RequestDecided], status: int, kind: str
) -> None:
    edge.gateway.answer = answer
    with edge.client(ME) as client:
        refused = client.post("/api/v1/images/generate", json=PROMPT)
    assert (refused.status_code, refused.json()["type"]) == (status, kind)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-trace-id"] == refused.json()["trace_id"]
    if status == 503:
        assert refused.headers["retry-after"]
