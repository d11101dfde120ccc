"""The checker on leases and the ledger: every planted violation of I4 and I6 is found and named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.common import Ending
from schemas.render import LeaseGranted, LeaseRevoked, RenderCommand
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageStarted,
    StageStopped,
    TaskCancelling,
    TaskFailed,
    TaskQueued,
)
from schemas.topics import LEDGER_TOPICS
from tests.faults.checker import Accepted, check
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.planting import edit, find, forge, found, full_history, lose
from tests.unit.faults.town import Town

LEDGER = {topic.name for topic in LEDGER_TOPICS}


@pytest.fixture
def town() -> Town:
    return full_history()


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

    def test_a_record_is_gone(self, town: Town) -> None:
        lose(town, TaskQueued, task_id="two")
        found(town.evidence(), "I6", "are missing")

    def test_a_record_is_there_twice(self, town: Town) -> None:
        place, index, _ = find(town, TaskQueued, task_id="two")
        raws = town.partitions[place]
        raws.insert(index, raws[index])
        found(town.evidence(), "I6", "was taken before")

    def test_a_record_was_changed(self, town: Town) -> None:
        edit(town, TaskQueued, lambda event: replace(event, project="other"), task_id="two")
        found(town.evidence(), "I6", "the chain breaks at shard_seq")

    def test_an_event_names_another_account(self, town: Town) -> None:
        town.images("three")
        forge(town, TaskCancelling(task_id="three", ending=Ending.CANCELLED), "three", account="bob")
        found(town.evidence(), "I6", "an event of bob about a task of ann")
        found(town.evidence(), "I1", "task three is ending and never ends")

    def test_a_task_of_another_account_was_acknowledged(self, town: Town) -> None:
        wrong = Accepted(task_id="two", account_id="bob")
        found(town.evidence(accepted=[wrong]), "I1", "task two, acknowledged to bob, is completed of ann")
