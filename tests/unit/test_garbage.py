"""What the object store's collection may delete: never a key that an event names, now or later."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from infra.collection import Garbage, totals
from infra.object_store.garbage import TOPICS, Inventory
from infra.whole_log import next_number
from schemas.common import Artifact
from schemas.entities import AssetRegistered, CharacterReady, CharacterRegistered
from schemas.envelope import Envelope, Stamp
from schemas.errors import ContractError
from schemas.render import StageProgressed
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    TaskCancelled,
    TaskCompleted,
    TaskEvent,
    TaskFailed,
    TaskQueued,
)
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.planting import full_history
from tests.unit.faults.town import Town

KEY = "results/t/shot-01/a{}-e1/main.png"


def inventory(*records: Any) -> Inventory:
    made = Inventory()
    for record in records:
        made.learn(record)
    return made


def completed(attempt: int, task_id: str = "t") -> StageCompleted:
    made = [Artifact(key=KEY.format(attempt).replace("/t/", f"/{task_id}/"))]
    return StageCompleted(task_id=task_id, stage_id="shot-01", attempt=attempt, artifacts=made)


def dispatched(attempt: int) -> StageDispatched:
    return StageDispatched(task_id="t", stage_id="shot-01", attempt=attempt)


def test_a_superseded_attempt_may_go_the_running_one_stays() -> None:
    log = inventory(TaskQueued(task_id="t"), dispatched(1), dispatched(2))
    assert log.reason(KEY.format(1)) == "superseded attempt"
    assert log.reason(KEY.format(2)) is None
    assert log.reason(KEY.format(3)) is None


def test_of_a_finished_task_only_what_events_name_stays() -> None:
    history = [TaskQueued(task_id="t"), dispatched(1), dispatched(2), completed(2)]
    for end in (TaskCompleted(task_id="t"), TaskFailed(task_id="t"), TaskCancelled(task_id="t")):
        log = inventory(*history, end)
        assert log.reason(KEY.format(1)) == "left by a finished task"
        assert log.reason(KEY.format(2)) is None
        assert log.reason(KEY.format(3)) == "left by a finished task"


def test_a_result_that_another_task_takes_again_stays() -> None:
    other = TaskCompleted(task_id="u", outputs=[Artifact(key=KEY.format(7))], cached=True)
    assert inventory(TaskCancelled(task_id="t"), other).reason(KEY.format(7)) is None


def test_previews_go_with_their_task_and_its_progress_records() -> None:
    key, told = "previews/t/shot-01.jpg", StageProgressed(task_id="t", preview_key="previews/t/shot-01.jpg")
    assert inventory(TaskQueued(task_id="t")).reason(key) is None
    assert inventory(TaskQueued(task_id="t"), TaskCompleted(task_id="t")).reason(key) == "preview of a finished task"
    assert inventory(told, TaskCompleted(task_id="t")).reason(key) is None


def test_uploads_stay_when_something_came_of_them() -> None:
    envelope = Envelope(account_id="ann")
    asset, photo = "accounts/ann/assets/one-aaaaaaaaaaaaaaaa.png", "accounts/ann/characters/c/photo-01.png"
    assert inventory().reason(asset) == "unused upload"
    assert inventory().reason(photo) == "unused upload"
    kept = inventory(
        AssetRegistered(envelope=envelope, asset_id="one", sha256="a" * 64),
        CharacterRegistered(envelope=envelope, character_id="c"),
    )
    assert kept.reason(asset) is None
    assert kept.reason(asset.replace("aaaa.png", "aaab.png")) == "unused upload"
    assert kept.reason(photo) is None
    assert kept.reason(photo.replace("ann", "bob")) == "unused upload"


def test_a_characters_portrait_stays() -> None:
    ready = CharacterReady(character_id="c", task_id="t", artifacts=[Artifact(key=KEY.format(1))])
    assert inventory(TaskCompleted(task_id="t"), ready).reason(KEY.format(1)) is None


@pytest.mark.parametrize(
    "key",
    ["snapshots/x/0/1.snap", "results/t", "results/t/shot-01/main.png", "other", "results/unknown/s/a1-e1/main.png"],
)
def test_what_is_not_understood_stays(key: str) -> None:
    assert inventory(TaskQueued(task_id="t"), TaskCompleted(task_id="t")).reason(key) is None


def events(town: Town) -> list[Any]:
    names = {topic.name for topic in TOPICS}
    return [CODEC.decode(raw.value) for (topic, _), raws in town.partitions.items() if topic in names for raw in raws]


def named(town: Town) -> set[str]:
    found: set[str] = set()
    for event in events(town):
        files = getattr(event, "artifacts", []) + getattr(event, "outputs", [])
        found |= {artifact.key for artifact in files} if isinstance(event, TaskEvent | CharacterReady) else set()
    return found


@given(
    st.lists(
        st.sampled_from(["images", "film", "cancel", "join", "start", "fail", "succeed", "stale", "finish"]),
        max_size=25,
    )
)
def test_garbage_is_never_named_later(steps: list[str]) -> None:
    """Whatever happens to tasks: what may go at one time is named by no event then or at any later time."""
    town = Town()
    condemned: set[str] = set()
    for number, step in enumerate([*steps, "finish"]):
        busy = sorted(key for device in town.state.devices.values() for key in device.outstanding)
        match step:
            case "images" | "film":
                getattr(town, step)(f"task-{number}")
            case "join":
                town.joins(f"boot-{number + 10}")
            case "finish":
                town.finish()
            case "cancel" if town.state.tasks:
                town.cancel(min(town.state.tasks))
            case "stale" if busy:
                town.report("succeed", *busy[-1], epoch=99)
            case "start" | "fail" | "succeed" if busy:
                town.report(step, *busy[-1])
        log = inventory(*events(town))
        condemned |= {key for key in town.objects if log.reason(key) is not None}
        assert not condemned & named(town)


def test_nothing_is_left_of_a_history_but_what_events_name() -> None:
    town = full_history()
    log = inventory(*events(town))
    kept = {key for key in town.objects if log.reason(key) is None}
    assert {key for key in kept if key.startswith("results/")} == named(town)
    assert len(kept) < len(town.objects)


def test_a_hole_in_the_log_stops_the_collection() -> None:
    place = TopicPartition("tasks", 0)

    def numbered(number: int) -> TaskQueued:
        return TaskQueued(stamp=Stamp(partition_seq=number))

    assert next_number(place, 9, 4, numbered(5)) == 5
    assert next_number(place, 9, 4, numbered(2)) == 4
    with pytest.raises(ContractError, match=r"tasks\[0\]@9 is record 6, but 5 is missing; nothing is deleted"):
        next_number(place, 9, 4, numbered(6))


def test_totals_name_every_reason_once() -> None:
    sizes = [("a", 1, "unused upload"), ("b", 2, "superseded attempt"), ("c", 4, "unused upload")]
    garbage = [Garbage(key=key, size=size, reason=reason) for key, size, reason in sizes]  # type: ignore[arg-type]
    assert totals(garbage) == [("superseded attempt", 1, 2), ("unused upload", 2, 5)]
