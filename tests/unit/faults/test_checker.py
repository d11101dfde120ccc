"""The checker on the log alone: a clean history gives nothing, every planted violation is found and named."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.requests import ImageRequested
from schemas.tasks import (
    TaskCompleted,
    TaskQueued,
)
from streams.domain.policy import Policy
from tests.faults.checker import Accepted, Reply, check, examine
from tests.unit.faults.planting import edit, find, forge, found, full_history, lose
from tests.unit.faults.town import Town


@pytest.fixture
def town() -> Town:
    return full_history()


def test_a_clean_history_keeps_every_invariant(town: Town) -> None:
    findings = examine(town.evidence())
    assert [str(one) for one in findings.violations] == []
    assert all(findings.checked[f"I{number}"] > 0 for number in range(1, 9)), findings.checked
    assert findings.events == sum(map(len, town.partitions.values())) > 80


class TestI1:
    def test_an_acknowledged_task_is_not_on_the_log(self, town: Town) -> None:
        lost = Accepted(task_id="lost", account_id="ann")
        found(town.evidence(accepted=[*town.accepted, lost]), "I1", "task lost was acknowledged and is not on the log")

    def test_a_task_never_ends(self, town: Town) -> None:
        town.images("three")
        town.report("start", "three")
        assert "StageStarted task_id=three" in found(town.evidence(), "I1", "task three is open and never ends")

    def test_a_request_is_not_decided(self, town: Town) -> None:
        request = find(town, ImageRequested)[2].request.request_id
        lose(town, RequestDecided, request_id=request)
        found(town.evidence(), "I1", "a request without a decision", "ImageRequested", f"request_id={request}")

    def test_a_request_is_decided_twice(self, town: Town) -> None:
        town.images("three")
        town.finish()
        decision = find(town, RequestDecided, task_id="three")[2]
        forge(town, RequestDecided(request_id=decision.request_id, outcome=Outcome.REJECTED), decision.request_id)
        shown = found(town.evidence(), "I1", f"request {decision.request_id}", "answered twice")
        assert shown.count("RequestDecided") == 2

    def test_a_decision_is_about_nothing(self, town: Town) -> None:
        forge(town, RequestDecided(request_id="never", outcome=Outcome.REJECTED), "never")
        found(town.evidence(), "I1", "a decision about never that was not asked")

    def test_an_accepting_decision_has_no_task(self, town: Town) -> None:
        lose(town, TaskQueued, task_id="two")
        found(town.evidence(), "I1", "is accepted, but no task was queued")

    def test_a_task_has_no_decision(self, town: Town) -> None:
        forge(town, TaskQueued(task_id="ghost", request_id="ghost"), "ghost")
        found(town.evidence(), "I1", "a task event without a decision about request ghost")

    def test_a_task_was_refused_and_ran(self, town: Town) -> None:
        refused = Reply(outcome="rejected", task_id="film", code="quota_exceeded")
        found(
            town.evidence(accepted=[], replies=[refused]),
            "I1",
            "task film was refused (quota_exceeded) and is cancelled",
        )

    def test_what_a_client_does_not_know_may_be_anything(self, town: Town) -> None:
        unknown = [Reply(outcome="unknown", task_id=task) for task in ("one", "film", "nowhere")]
        assert check(town.evidence(replies=unknown)) == []

    def test_one_key_gave_two_tasks(self, town: Town) -> None:
        again = Accepted(task_id="two", account_id="ann", idempotency_key="key-one")
        found(town.evidence(accepted=[*town.accepted, again]), "I1", "key key-one gave tasks one and two")

    def test_an_acknowledged_request_was_not_accepted(self, town: Town) -> None:
        wrong = Accepted(task_id="two", account_id="ann", request_id="other")
        found(town.evidence(accepted=[wrong]), "I1", "request other was acknowledged without a decision")

    def test_a_task_is_completed_without_a_stage(self, town: Town) -> None:
        town.images("three", 2)
        forge(town, TaskCompleted(task_id="three"), "three")
        found(town.evidence(), "I1", "completed without shot-01, shot-02")


class TestI2:
    BOOKING: dict[str, Any] = {"resource": "images", "day": "2026-05-04", "amount": 1}

    def test_a_reservation_is_doubled(self, town: Town) -> None:
        town.images("three")
        reserved = find(town, QuotaReserved, task_id="three")[2]
        twice = QuotaReserved(task_id="three", resource="images", day=reserved.day, amount=1, used=4, reserved=2)
        forge(town, twice, "ann")
        shown = found(town.evidence(), "I2", "task three reserves twice")
        assert shown.count("QuotaReserved") == 2

    @pytest.mark.parametrize("charge", [False, True])
    def test_a_result_that_is_taken_again_may_be_free_or_not(self, charge: bool) -> None:
        town = Town(Policy(cached_charge=charge))
        for task_id in ("first", "again"):
            town.images(task_id, 2, reuse_hash="same")
            town.finish()
        assert find(town, TaskCompleted, task_id="again")[2].cached
        assert check(town.evidence()) == []
        assert town.state.usage[next(iter(town.state.usage))].used == (4 if charge else 2)

    def test_a_cancelled_task_is_charged(self, town: Town) -> None:
        forge(town, QuotaCommitted(task_id="film", **self.BOOKING), "ann")
        found(town.evidence(), "I2", "task film: 1 images committed, which it released before")

    def test_a_task_that_runs_is_charged(self, town: Town) -> None:
        town.images("three")
        forge(town, QuotaCommitted(task_id="three", **self.BOOKING), "ann")
        found(town.evidence(), "I2", "task three: committed, but it has not ended")

    def test_more_is_settled_than_reserved(self, town: Town) -> None:
        forge(town, QuotaCommitted(task_id="nobody", **self.BOOKING), "ann")
        found(town.evidence(), "I2", "images of ann on 2026-05-04: 1 more settled than reserved")

    def test_a_reservation_is_never_settled(self, town: Town) -> None:
        lose(town, QuotaCommitted, task_id="two")
        found(town.evidence(), "I2", "the reservation of task two ended but was not settled")

    def test_a_task_has_no_reservation(self, town: Town) -> None:
        lose(town, QuotaReserved, task_id="two")
        found(town.evidence(), "I2", "task two ends without a reservation")

    def test_the_sums_of_an_event_are_wrong(self, town: Town) -> None:
        edit(town, QuotaReserved, lambda event: replace(event, reserved=7), task_id="one")
        found(town.evidence(), "I2", "the event says used 0, reserved 7; the log adds up to 0 and 2")

    def test_the_balance_falls_below_zero(self, town: Town) -> None:
        town.images("three")
        reserved = find(town, QuotaReserved, task_id="three")[2]
        edit(town, QuotaReserved, lambda event: replace(event, amount=20_000), task_id="three")
        found(town.evidence(), "I2", f"images of ann on {reserved.day}: the balance falls to -")

    def test_the_read_model_has_drifted(self, town: Town) -> None:
        lines = town.evidence().live
        assert lines is not None
        drifted = [line.replace('"used": 3', '"used": 4') for line in lines]
        found(
            town.evidence(live=drifted), "I2", "the read model quota_usage shows 4 used, 0 reserved", "the log 3 used"
        )
        nothing = [line for line in lines if not line.startswith("quota_usage")]
        found(town.evidence(live=nothing), "I2", "the read model quota_usage shows nothing for images of ann")

    def test_the_coordinator_has_drifted(self, town: Town) -> None:
        usage = dict.fromkeys(town.evidence().coordinator or {}, (0, 1))
        found(town.evidence(coordinator=usage), "I2", "the coordinator shows 0 used, 1 reserved")
