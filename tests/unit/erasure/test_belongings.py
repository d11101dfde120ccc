"""What an account has, told by its events alone."""

from __future__ import annotations

from infra.erasure.belongings import Belongings
from schemas.common import Artifact, TaskKind
from schemas.entities import AccountErased, CharacterErased, CharacterRegistered, UserRegistered
from schemas.tasks import TaskCancelled, TaskCompleted, TaskEvent, TaskQueued
from tests.unit.projections.ledger import Ledger


def belongings(ledger: Ledger) -> Belongings:
    mine = Belongings("ann")
    mine.learn(ledger.stamp(UserRegistered(), "ann", "ann"))
    character = CharacterRegistered(character_id="mara", task_id="t0", photo_count=3)
    mine.learn(ledger.stamp(character, "ann", "mara"))
    queued: list[TaskEvent] = [
        TaskQueued(task_id="t0", kind=TaskKind.CHARACTER, entity_id="mara"),
        TaskQueued(task_id="t1", kind=TaskKind.IMAGE, character_ids=["mara"]),
        TaskQueued(task_id="t2", kind=TaskKind.IMAGE),
        TaskCompleted(task_id="t1", outputs=[Artifact(key="a"), Artifact(key="b")]),
        TaskCancelled(task_id="t2"),
    ]
    for event in queued:
        mine.learn(ledger.task(event))
    return mine


def test_what_was_made_from_pictures_is_told_and_what_is_open() -> None:
    mine = belongings(Ledger())
    assert [(work.task_id, work.status, work.files) for work in mine.pictured] == [
        ("t0", "open", 0),
        ("t1", "completed", 2),
    ]
    assert mine.open_tasks == ["t0"]
    assert mine.characters["mara"].photo_count == 3


def test_everything_of_the_account_is_found_in_the_store_and_nothing_of_others() -> None:
    ledger = Ledger()
    mine = belongings(ledger)
    mine.learn(ledger.task(TaskQueued(task_id="bobs"), "bob"))
    mine.learn(ledger.stamp(UserRegistered(), "bob", "bob"))
    results = [f"results/t{number}/" for number in range(3)]
    assert [prefix for prefix in mine.prefixes if prefix.startswith("results/")] == results
    assert "accounts/ann/" in mine.prefixes
    assert all(prefix.endswith("/") for prefix in mine.prefixes), "t1 must not take t10 with it"


def test_the_end_of_the_account_names_who_did_it() -> None:
    ledger = Ledger()
    mine = belongings(ledger)
    assert not mine.erased
    mine.learn(ledger.stamp(CharacterErased(character_id="mara"), "ann", "mara"))
    mine.learn(ledger.stamp(AccountErased(operator="olga"), "ann", "ann"))
    assert (mine.erased, mine.erased_by, mine.characters["mara"].erased) == (True, "olga", True)
