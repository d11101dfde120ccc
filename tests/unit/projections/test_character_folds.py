"""Revisions of a character and the pictures made of it, as rows."""

from __future__ import annotations

from projections.folds.character_shots import shot_rows
from projections.folds.characters import CharacterRow, apply_character, blank_images
from projections.folds.tasks import apply_task
from schemas.common import Artifact, Problem, StageKind, StagePlan, TaskKind
from schemas.entities import AnyCharacterEvent, CharacterErased, CharacterFailed, CharacterReady, CharacterRegistered
from schemas.tasks import StageCompleted, TaskQueued
from tests.unit.projections.ledger import Ledger


def told(*events: AnyCharacterEvent) -> CharacterRow:
    ledger, row = Ledger(), None
    for event in events:
        row = apply_character(row, ledger.stamp(event, "ann", "c"))
    assert row is not None
    return row


def submitted(task: str, photos: int) -> CharacterRegistered:
    return CharacterRegistered(character_id="c", task_id=task, photo_count=photos, sealed=task.encode())


def ready(task: str, revision: int) -> CharacterReady:
    portrait = Artifact(role="portrait", key=f"{task}.png")
    return CharacterReady(
        character_id="c", task_id=task, revision=revision, artifacts=[portrait], sealed=f"vector of {task}".encode()
    )


def test_the_last_revision_shows_until_the_next_is_ready() -> None:
    first = (submitted("t1", 3), ready("t1", 1))
    waiting = told(*first, submitted("t2", 5))
    assert (waiting.status, waiting.revision, waiting.sealed_result) == ("ready", 1, b"vector of t1")
    failed = told(
        *first, submitted("t2", 5), CharacterFailed(character_id="c", task_id="t2", problem=Problem(code="x"))
    )
    assert (failed.status, failed.revision, failed.task_id, failed.artifacts[0].key) == ("ready", 1, "t1", "t1.png")
    assert failed.problem is not None
    second = told(*first, submitted("t2", 5), ready("t2", 2))
    assert (second.revision, second.artifacts[0].key, second.problem) == (2, "t2.png", None)
    assert [(item.revision, item.task_id, item.photo_count) for item in second.revisions] == [
        (1, "t1", 3),
        (2, "t2", 5),
    ]


def test_an_erased_character_has_no_revisions_and_all_their_pictures_are_blanked() -> None:
    history = (submitted("t1", 3), ready("t1", 1), submitted("t2", 5), ready("t2", 2))
    blanks = blank_images(told(*history))
    assert [(image.revision, image.key, image.sha256) for image in blanks] == [(1, "t1.png", ""), (2, "t2.png", "")]
    assert told(*history, CharacterErased(character_id="c")).revisions == []


def test_a_finished_shot_is_linked_to_every_character_that_it_names() -> None:
    ledger = Ledger()
    stages = [
        StagePlan(stage_id="shot-01", kind=StageKind.SHOT, character_ids=["a", "b"]),
        StagePlan(stage_id="shot-02", kind=StageKind.SHOT),
    ]
    row = apply_task(None, ledger.stamp(TaskQueued(task_id="t", kind=TaskKind.VIDEO, stages=stages), "ann", "t"))
    picture = Artifact(role="main", key="k.png", width=64, height=48)
    both, nobody = (
        ledger.stamp(StageCompleted(task_id="t", stage_id=stage, artifacts=[picture]), "ann", "t")
        for stage in ("shot-01", "shot-02")
    )
    assert [(shot.character_id, shot.stage_id, shot.key) for shot in shot_rows(row, both)] == [
        ("a", "shot-01", "k.png"),
        ("b", "shot-01", "k.png"),
    ]
    assert shot_rows(row, nobody) == []
