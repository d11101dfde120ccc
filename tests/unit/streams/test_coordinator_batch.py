"""One batch of inputs: what is poison is set aside and answered, the rest is decided as if it had not been there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import ConsumerRecord
from msgspec.structs import replace

from infra.dead_letters import MOST_BYTES
from schemas.common import Artifact, FilmPlan, Problem, StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.envelope import Envelope, Record
from schemas.errors import ContractError
from schemas.quotas import QuotaReleased
from schemas.render import StageFailedReport, StageSucceededReport
from schemas.requests import CancellationRequested, ImageRequested, RequestInfo, VideoRequested
from schemas.serde import Codec
from schemas.tasks import StageCompleted, TaskCancelled, TaskEvent, TaskFailed, TaskQueued
from schemas.topics import TOPIC_OF
from streams.batch import Batch
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.ledger import Heads, absorb
from streams.recovery import check_next
from tests.deciding import Shard, only

BIG = "x" * 1_490_000  # fits into a request, not into the events made of it


@pytest.fixture
def codec() -> Codec:
    return Codec({record.__name__: number for number, record in enumerate(TOPIC_OF, start=1)})


class Desk:
    """Batches over a shard that has a user and a device."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.shard = Shard()
        self.state, self.heads = ShardState(), Heads()
        self.offsets = {"requests": 0, "reports": 0}
        self.shard.now = datetime.now(UTC)
        self.shard.user()
        self.shard.device()
        self.state = self.shard.state

    def batch(self) -> Batch:
        return Batch(self.state, self.heads, self.codec, Policy())

    def message(self, topic: str, value: bytes | None, **fields: object) -> ConsumerRecord:
        offset = self.offsets[topic]
        self.offsets[topic] += 1
        headers = fields.get("headers", (("ce_id", b"7"),))
        return ConsumerRecord(topic, 0, offset, 0, 0, b"key", value, None, 3, 0, headers)

    def give(self, batch: Batch, record: Record) -> None:
        batch.take(self.message(TOPIC_OF[type(record)].name, b"original"), record)

    def request(self, task: str, **fields: object) -> ImageRequested:
        request = self.shard.image_request(task)
        info = replace(request.request, valid_until=datetime.now(UTC) + timedelta(minutes=1))
        return replace(request, request=info, **fields)

    def commit(self, batch: Batch) -> list[TaskEvent | RequestDecided]:
        self.state, self.heads = batch.state, batch.heads
        self.shard.state = batch.state
        return [entry.record for entry in batch.entries]  # type: ignore[misc]


@pytest.fixture
def desk(codec: Codec) -> Desk:
    return Desk(codec)


def test_what_nobody_can_read_is_kept_answered_once_and_not_read_again(desk: Desk) -> None:
    batch = desk.batch()
    poison = desk.message("requests", b"\xff\x00garbage", headers=(("ce_id", b"7"), ("empty", None)))
    batch.refuse(poison, ContractError("magic byte 255 is not 0"))
    (dead,) = batch.dead
    assert (dead.value, dead.key) == (poison.value, poison.key)
    headers = dict(dead.headers)
    assert headers["ce_id"] == b"7"
    assert headers["dlq.topic"] == b"requests"
    assert headers["dlq.offset"] == b"0"
    assert b"magic byte" in headers["dlq.reason"]
    (entry,) = batch.entries
    assert isinstance(entry.record, RequestDecided)
    assert entry.record.outcome is Outcome.REJECTED
    assert entry.record.stamp.requests_position == 1, "a restart reads on behind the poison"


def test_poison_behind_good_inputs_is_covered_by_a_position_too(desk: Desk) -> None:
    batch = desk.batch()
    desk.give(batch, desk.request("t1"))
    batch.refuse(desk.message("reports", None), ContractError("no value"))
    assert batch.entries[-1].record.stamp.reports_position == 1
    assert batch.entries[-1].record.stamp.requests_position == 1


def test_a_decision_that_cannot_be_written_leaves_nothing_behind(desk: Desk) -> None:
    """TaskQueued is too large; before, half of it would have been kept."""
    batch = desk.batch()
    before = batch.state
    poison = desk.request("t1", sealed=BIG.encode(), project="y" * 9_990)
    desk.give(batch, poison)
    answer = only([entry.record for entry in batch.entries], RequestDecided)
    assert answer.request_id == poison.request.request_id
    assert answer.problem is not None
    assert answer.problem.type == "InternalError"
    assert len(batch.entries) == len(batch.dead) == 1
    assert batch.state == before
    desk.give(batch, desk.request("t2"))
    assert any(isinstance(entry.record, TaskQueued) and entry.record.task_id == "t2" for entry in batch.entries)


def test_a_later_event_of_a_decision_that_cannot_be_written_takes_the_earlier_ones_back(desk: Desk) -> None:
    """The answer repeats the request id: TaskQueued alone would fit, its answer does not."""
    batch = desk.batch()
    request = desk.request("t1")
    info = replace(request.request, request_id="r" * 600_000)
    desk.give(batch, replace(request, request=info))
    (entry,) = batch.entries
    assert isinstance(entry.record, RequestDecided)
    assert "t1" not in batch.state.tasks
    assert batch.heads.shard_seq == desk.heads.shard_seq + 1


@pytest.mark.parametrize("kind", [StageSucceededReport, StageFailedReport])
def test_a_report_that_cannot_be_decided_fails_its_stage(desk: Desk, kind: type[StageSucceededReport]) -> None:
    desk.shard.state = desk.state
    batch = desk.batch()
    desk.give(batch, desk.request("t1"))
    batch.follow_up()
    desk.commit(batch)
    report = desk.shard.report_of(kind, "t1")
    heavy = (
        replace(report, artifacts=[Artifact(key=BIG)], sealed=b"z" * 9_990)
        if isinstance(report, StageSucceededReport)
        else replace(report, problem=Problem(detail=BIG, type="t" * 9_990))
    )
    batch = desk.batch()
    desk.give(batch, heavy)
    events = desk.commit(batch)
    assert only(events, TaskFailed).problem.code == "undecidable_report"
    assert only(events, QuotaReleased).amount == 1
    assert len(batch.dead) == 1
    assert not any(isinstance(event, StageCompleted) for event in events)


def test_a_command_that_cannot_be_written_fails_its_task_and_nothing_else(desk: Desk) -> None:
    """Two shots' files together are too large for the film's command."""
    shots = [StagePlan(stage_id=f"shot-{n}", kind=StageKind.SHOT, engine="null") for n in (1, 2)]
    film = StagePlan(stage_id="film", kind=StageKind.FILM, engine="animatic", depends_on=["shot-1", "shot-2"])
    info = RequestInfo(request_id="r", task_id="v1", valid_until=datetime.now(UTC) + timedelta(minutes=1))
    batch = desk.batch()
    desk.give(
        batch,
        VideoRequested(
            envelope=Envelope(account_id="ann"), request=info, plan=FilmPlan(stages=[*shots, film]), width=8, height=8
        ),
    )
    batch.follow_up()
    desk.commit(batch)
    batch = desk.batch()
    for shot in ("shot-1", "shot-2"):
        report = desk.shard.report_of(StageSucceededReport, "v1", shot)
        desk.give(batch, replace(report, artifacts=[Artifact(role="main", key="k" * 900_000)]))
    desk.give(batch, desk.request("t2"))
    batch.follow_up()
    events = desk.commit(batch)
    assert only(events, TaskFailed).task_id == "v1"
    assert "t2" in batch.state.tasks
    assert batch.state.tasks["t2"].outstanding


def test_a_dead_letter_too_large_to_write_says_what_it_was(desk: Desk) -> None:
    value = b"\xff" * (MOST_BYTES + 1)
    batch = desk.batch()
    batch.refuse(desk.message("requests", value), ContractError("too large"))
    (dead,) = batch.dead
    headers = dict(dead.headers)
    assert dead.value is not None
    assert len(dead.value) < MOST_BYTES
    assert headers["dlq.size"] == b"%d" % len(value)
    assert headers["dlq.sha256"] == hashlib.sha256(value).hexdigest().encode()


def test_cancel_and_completion_in_one_batch_end_the_task_once(desk: Desk) -> None:
    batch = desk.batch()
    desk.give(batch, desk.request("t1"))
    batch.follow_up()
    desk.commit(batch)
    for first in ("cancel", "success"):
        batch = desk.batch()
        cancel = desk.shard.info("t1")
        cancelling = CancellationRequested(
            envelope=Envelope(account_id="ann"),
            request=replace(cancel, valid_until=datetime.now(UTC) + timedelta(minutes=1)),
        )
        inputs = [cancelling, desk.shard.report_of(StageSucceededReport, "t1")]
        for record in inputs if first == "cancel" else reversed(inputs):
            desk.give(batch, record)
        events = [entry.record for entry in batch.entries]
        ends = [
            event for event in events if isinstance(event, TaskCancelled) or type(event).__name__ == "TaskCompleted"
        ]
        assert len(ends) == 1
        assert isinstance(ends[0], TaskCancelled) == (first == "cancel")


def test_a_second_writer_or_a_changed_record_keeps_a_coordinator_from_starting(desk: Desk) -> None:
    batch = desk.batch()
    desk.give(batch, desk.request("t1"))
    first, second = batch.entries[0], batch.entries[1]
    where = desk.message("requests", first.value)
    heads = absorb(Heads(), first.topic, 0, first.record)
    heads = replace(heads, prev_hash=second.record.stamp.prev_hash)
    check_next(heads, where, second.record)
    with pytest.raises(ContractError, match="two writers"):
        check_next(heads, where, first.record)
    with pytest.raises(ContractError, match="was changed"):
        check_next(replace(heads, prev_hash=b"other"), where, second.record)
    missing = replace(second.record, stamp=replace(second.record.stamp, shard_seq=9, partition_seq=3))
    with pytest.raises(ContractError, match="incomplete"):
        check_next(heads, where, missing)


def test_inputs_without_consequences_still_count_as_read(desk: Desk) -> None:
    batch = desk.batch()
    desk.give(batch, StageFailedReport(task_id="nobody", stage_id="x"))
    assert batch.entries == []
    assert batch.heads.reports_position == 1
