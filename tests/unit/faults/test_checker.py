"""The checker on the log alone: a clean history gives nothing, every planted violation is found and named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.common import Ending
from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.render import LeaseGranted, LeaseRevoked, RenderCommand
from schemas.requests import ImageRequested
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageStarted,
    StageStopped,
    TaskCancelling,
    TaskCompleted,
    TaskFailed,
    TaskQueued,
)
from schemas.topics import LEDGER_TOPICS
from streams.domain.policy import Policy
from tests.faults.checker import Accepted, Reply, check, examine
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.planting import edit, find, forge, found, full_history, lose
from tests.unit.faults.town import Town

LEDGER = {topic.name for topic in LEDGER_TOPICS}


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


class TestI4:
    def test_a_stage_starts_under_an_old_epoch(self, town: Town) -> None:
        town.images("three")
        forge(town, StageStarted(task_id="three", stage_id="shot-01", attempt=1, device_id="cpu-0", epoch=1), "three")
        shown = found(town.evidence(), "I4", "StageStarted under epoch 1 of cpu-0, which is not live")
        assert "LeaseGranted device_id=cpu-0 epoch=2" in shown
        found(town.evidence(), "I4", "StageStarted by cpu-0/1 of what is on cpu-0/2")

    def test_an_outcome_of_an_old_epoch_counts(self, town: Town) -> None:
        town.images("three")
        edit(town, StageCompleted, lambda event: replace(event, epoch=1), task_id="two")
        found(town.evidence(), "I4", "StageCompleted under epoch 1 of cpu-0, which is not live")

    def test_an_outcome_comes_from_a_report_about_an_old_attempt(self, town: Town) -> None:
        town.images("three")
        report = town.report("succeed", "three", epoch=1)
        forged = StageCompleted(task_id="three", stage_id="shot-01", attempt=1, device_id="cpu-0", epoch=2)
        forge(town, forged, "three", cause=report.envelope.event_id)
        shown = found(town.evidence(), "I4", "it comes from a report about another attempt")
        assert "reports[0]@" in shown

    def test_a_stage_is_dispatched_under_an_old_epoch(self, town: Town) -> None:
        where: dict[str, Any] = {"device_id": "cpu-0", "slot": 0, "epoch": 1}
        forge(town, TaskQueued(task_id="three", stages=find(town, TaskQueued, task_id="two")[2].stages), "three")
        forge(town, StageDispatched(task_id="three", stage_id="shot-01", attempt=1, **where), "three")
        found(town.evidence(), "I4", "dispatched to cpu-0/1 on slot 0, which has no live lease")

    def test_an_attempt_has_two_outcomes(self, town: Town) -> None:
        town.images("three", 2)
        town.report("succeed", "three", "shot-01")
        again = find(town, StageCompleted, task_id="three")[2]
        forge(town, again, "three")
        found(town.evidence(), "I4", "attempt 1 has a second outcome", "StageCompleted")

    def test_a_slot_has_two_live_leases(self, town: Town) -> None:
        forge(town, LeaseGranted(device_id="cpu-9", slot=0, epoch=3), "cpu-9")
        shown = found(town.evidence(), "I4", "slot 0 goes to cpu-9 while cpu-0 holds it")
        assert shown.count("LeaseGranted") == 2

    def test_an_epoch_comes_again(self, town: Town) -> None:
        town.leaves("boot-2")
        forge(town, LeaseGranted(device_id="cpu-0", slot=0, epoch=2), "cpu-0")
        found(town.evidence(), "I4", "slot 0: epoch 2 after 2")

    def test_a_lease_is_revoked_that_is_not_live(self, town: Town) -> None:
        forge(town, LeaseRevoked(device_id="cpu-0", slot=0, epoch=1), "cpu-0")
        found(town.evidence(), "I4", "epoch 1 of cpu-0 is revoked without being live")

    def test_a_command_that_nothing_calls_for(self, town: Town) -> None:
        command = find(town, RenderCommand, task_id="two")[2]
        forge(town, command, "cpu-0")
        found(town.evidence(), "I4", "a render command that no dispatch calls for")

    def test_a_stage_is_not_taken_back_with_its_lease(self, town: Town) -> None:
        town.images("three")
        forge(town, LeaseRevoked(device_id="cpu-0", slot=0, epoch=2), "cpu-0")
        town.images("four")
        town.images("five")
        shown = found(town.evidence(), "I4", "three/shot-01 stays on a device whose lease is over", "LeaseRevoked")
        assert "task_id=five" in shown

    def test_a_stage_stays_on_a_device_that_is_gone(self, town: Town) -> None:
        town.images("three")
        forge(town, LeaseRevoked(device_id="cpu-0", slot=0, epoch=2), "cpu-0")
        found(town.evidence(), "I4", "three/shot-01 stays on cpu-0, which has no live lease")


class TestI6:
    def test_an_event_after_the_end(self, town: Town) -> None:
        forge(town, TaskFailed(task_id="one"), "one")
        found(town.evidence(), "I6", "TaskFailed of a task that is completed")

    def test_an_ending_that_nobody_announced(self, town: Town) -> None:
        town.images("three")
        forge(town, TaskCancelling(task_id="three", ending=Ending.CANCELLED), "three")
        forge(town, StageStopped(task_id="three", stage_id="shot-01", attempt=1), "three")
        forge(town, TaskFailed(task_id="three"), "three")
        found(town.evidence(), "I6", "the task is failed but was to be cancelled")

    def test_an_event_of_an_unknown_task(self, town: Town) -> None:
        forge(town, StageStarted(task_id="ghost", stage_id="shot-01"), "ghost")
        found(town.evidence(), "I6", "StageStarted of a task that is none")

    def test_time_stands_still(self, town: Town) -> None:
        town.heads = replace(town.heads, occurred_at=town.heads.occurred_at - timedelta(hours=2))
        forge(town, TaskQueued(task_id="three"), "three")
        before = find(town, TaskQueued, task_id="three")[2].envelope.occurred_at
        earlier = replace(find(town, TaskQueued, task_id="three")[2].envelope, occurred_at=before - timedelta(hours=1))
        edit(town, TaskQueued, lambda event: replace(event, envelope=earlier), task_id="three")
        found(town.evidence(), "I6", "occurred_at does not grow")

    @pytest.mark.parametrize("field", ["partition_seq", "account_seq"])
    def test_a_number_is_left_out(self, town: Town, field: str) -> None:
        edit(
            town,
            TaskQueued,
            lambda event: replace(event, stamp=replace(event.stamp, **{field: getattr(event.stamp, field) + 1})),
            task_id="two",
        )
        found(town.evidence(), "I6", field, "must follow")

    def test_a_sequence_has_a_hole(self, town: Town) -> None:
        edit(
            town, TaskQueued, lambda event: replace(event, envelope=replace(event.envelope, sequence=2)), task_id="two"
        )
        found(town.evidence(), "I6", "sequence 2 where 1 must follow", "task_id=two")

    @given(data=st.data(), damage=st.sampled_from(["lost", "doubled", "swapped", "changed"]))
    def test_any_damage_to_any_record_is_found(self, data: st.DataObject, damage: str) -> None:
        town = full_history()
        place = data.draw(st.sampled_from(sorted(place for place in town.partitions if place[0] in LEDGER)))
        raws = town.partitions[place]
        newest = town.heads.shard_seq
        index = data.draw(st.integers(0, len(raws) - 1))
        last = CODEC.decode(raws[index].value).stamp.shard_seq == newest  # type: ignore[attr-defined]
        match damage:
            case "lost" | "changed" if last:
                return  # a log that ends earlier is whole, and no hash covers the last record yet
            case "lost":
                del raws[index]
            case "doubled":
                raws.insert(index, raws[index])
            case "swapped" if len(raws) > 1:
                other = (index + 1) % len(raws)
                raws[index], raws[other] = raws[other], raws[index]
            case "changed":
                value = bytearray(raws[index].value or b"")
                at = data.draw(st.integers(5, len(value) - 1))
                value[at] ^= 1 << data.draw(st.integers(0, 7))
                raws[index] = replace(raws[index], value=bytes(value))
        if damage != "swapped" or len(raws) > 1:
            assert [one for one in check(town.evidence()) if one.invariant in ("I6", "I8")]
