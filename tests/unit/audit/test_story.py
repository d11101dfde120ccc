"""Stories: what belongs to them, their order and causes, and what is shown of sealed fields."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.audit.events import Raw
from infra.audit.sealed import closed, opener, purpose_of, shown
from infra.audit.story import Subject, Told, fields_of, lines
from infra.keystore import SqliteKeystore, seal_json
from schemas.common import StagePlan
from schemas.entities import CharacterRegistered
from schemas.envelope import Envelope, Record
from schemas.purposes import aad
from schemas.quotas import QuotaReserved
from schemas.render import StageSucceededReport
from schemas.requests import ImageRequested, RequestInfo
from schemas.tasks import TaskQueued
from tests.unit.audit.recorded import NOW


def told(number: int, cause: int | None, second: int) -> Told:
    """A record with an id, the id of its cause and a time."""
    because = "" if cause is None else str(cause)
    envelope = Envelope(event_id=str(number), causation_id=because, occurred_at=NOW + timedelta(seconds=second))
    return Told(Raw("tasks", 0, number, None, None), TaskQueued(envelope=envelope))


@given(st.lists(st.tuples(st.none() | st.integers(0, 20), st.integers(0, 9)), max_size=20))
def test_every_record_is_told_once_and_after_its_cause(records: list[tuple[int | None, int]]) -> None:
    """Whatever the clocks say, and even if causes run in a circle."""
    story = [told(number, cause, second) for number, (cause, second) in enumerate(records)]
    made = list(lines(story))
    assert sorted(line.told.raw.offset for line in made) == list(range(len(records)))
    assert [line.number for line in made] == list(range(1, len(records) + 1))
    for line in made:
        assert line.because < line.number
        if line.because:
            cause = made[line.because - 1]
            assert cause.told.record.envelope.event_id == line.told.record.envelope.causation_id
            assert line.depth == cause.depth + 1


def test_without_causes_time_is_the_order() -> None:
    story = [told(number, None, second) for number, second in enumerate([5, 1, 3])]
    assert [line.told.raw.offset for line in lines(story)] == [1, 2, 0]


def test_what_belongs_to_whom() -> None:
    mine: dict[str, Any] = {"envelope": Envelope(account_id="ann", correlation_id="asked")}
    queued = TaskQueued(**mine, task_id="t1", character_ids=["c1"])
    report = StageSucceededReport(task_id="t1")
    request = ImageRequested(request=RequestInfo(task_id="t1"), character_ids=["c1"])
    reserved = QuotaReserved(envelope=Envelope(account_id="ann"), task_id="t1")
    strange: list[Record] = [TaskQueued(task_id="t2"), StageSucceededReport(task_id="t2"), CharacterRegistered()]
    kinds: list[tuple[Any, str]] = [("task", "t1"), ("account", "ann"), ("character", "c1"), ("correlation", "asked")]
    for kind, id_ in kinds:
        subject = Subject(kind, id_)
        assert all(subject.has(record) for record in (queued, request, report, reserved)), kind
        assert not any(subject.has(record) for record in strange), kind
        assert subject.account_of(report) == "ann"


def test_sealed_fields_show_their_size_or_what_is_in_them(tmp_path: Path) -> None:
    keystore = SqliteKeystore(tmp_path / "keystore.db", b"k" * 32)
    key = keystore.account_key("ann", create=True)
    spec = seal_json(key, {"prompt": "a lantern"}, aad("ann", "spec"))
    asked = seal_json(key, {"seed": 7}, aad("ann", "request"))
    record = TaskQueued(task_id="t1", sealed=asked, stages=[StagePlan(stage_id="shot-01", sealed=spec)])
    hidden = shown(fields_of(record), closed, purpose_of(record))
    assert hidden["sealed"] == f"sealed {len(asked)} bytes"
    assert hidden["stages"][0]["sealed"] == f"sealed {len(spec)} bytes"
    open_ = shown(fields_of(record), opener(keystore, "ann"), purpose_of(record))
    assert open_["sealed"] == {"opened": {"seed": 7}}
    assert open_["stages"][0]["sealed"] == {"opened": {"prompt": "a lantern"}}
    foreign = shown(fields_of(record), opener(keystore, "bob"), purpose_of(record))
    assert foreign["sealed"] == f"sealed {len(asked)} bytes, no key here"
    keystore.erase_account("ann")
    gone = shown(fields_of(record), opener(keystore, "ann"), purpose_of(record))
    assert gone["sealed"] == f"sealed {len(asked)} bytes, its key was erased"
    keystore.close()
