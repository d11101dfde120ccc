"""The checker beside the log: read models, objects, positions and dead letters."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.snapshots import LedgerMarked, SnapshotRef
from schemas.tasks import StageCompleted
from tests.faults.checker import ObjectSeen, Poison, Position, Violation, check
from tests.faults.checker.records import Raw
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.planting import edit, found, full_history
from tests.unit.faults.town import Town

LETTERS = ("dead.letters", 0)


@pytest.fixture
def town() -> Town:
    return full_history()


class TestI3:
    def test_a_row_differs(self, town: Town) -> None:
        live = [line.replace("completed", "failed") if '"one"' in line else line for line in town.evidence().live or ()]
        shown = found(town.evidence(live=live), "I3", "a row of tasks (one) differs")
        assert 'status: live "failed", rebuilt "completed"' in shown

    def test_a_row_is_missing_in_the_middle(self, town: Town) -> None:
        rebuilt = list(town.evidence().rebuilt or ())
        live = [line for line in rebuilt if '"film"' not in line]
        violations = [one for one in check(town.evidence(live=live)) if one.invariant == "I3"]
        assert len(violations) == 1
        assert "in the rebuilt read models only: tasks" in violations[0].message
        assert '"film"' in violations[0].message

    def test_a_row_is_too_many(self, town: Town) -> None:
        live = [*(town.evidence().live or ()), 'users {"account_id": "bob"}']
        found(town.evidence(live=live), "I3", 'in the live read models only: users {"account_id": "bob"}')


class TestI5:
    def key(self, town: Town) -> str:
        return next(key for key in town.objects if key.startswith("results/one/"))

    def test_an_object_is_missing(self, town: Town) -> None:
        key = self.key(town)
        del town.objects[key]
        assert "StageCompleted task_id=one" in found(town.evidence(), "I5", f"{key} is missing")

    def test_an_upload_is_missing(self, town: Town) -> None:
        del town.objects[next(key for key in town.objects if "assets" in key)]
        found(town.evidence(), "I5", "is missing", "AssetRegistered asset_id=asset")

    def test_an_object_is_cut(self, town: Town) -> None:
        key = self.key(town)
        town.objects[key] = replace(town.objects[key], size=3, sha256="1" * 64)
        found(town.evidence(), "I5", f"{key} is not as recorded", "found 3 bytes 111111111111")

    def test_an_object_has_other_bytes_of_the_same_size(self, town: Town) -> None:
        key = self.key(town)
        town.objects[key] = replace(town.objects[key], sha256="1" * 64)
        found(town.evidence(), "I5", f"{key} is not as recorded")

    @pytest.mark.parametrize(
        "key", ["lost/thing.bin", "results/one/shot-01/a9-e9/main.png", "previews/one/shot-01.jpg"]
    )
    def test_an_old_object_is_named_by_nobody(self, town: Town, key: str) -> None:
        town.objects[key] = ObjectSeen(key=key, sha256="0" * 64, size=1, old=True)
        found(town.evidence(), "I5", f"{key} is named by no event")
        town.objects[key] = replace(town.objects[key], old=False)
        assert check(town.evidence()) == []

    def test_a_task_that_runs_may_have_more(self, town: Town) -> None:
        town.images("three")
        key = "results/three/shot-01/a1-e2/main.png"
        town.objects[key] = ObjectSeen(key=key, sha256="0" * 64, size=1, old=True)
        assert {one.invariant for one in check(town.evidence())} == {"I1", "I2"}

    def test_an_event_changes_its_mind_about_a_file(self, town: Town) -> None:
        changed = {"sha256": "2" * 64}
        edit(town, StageCompleted, lambda e: replace(e, artifacts=[replace(e.artifacts[0], **changed)]), task_id="two")
        found(town.evidence(), "I5", "is recorded with two hashes or sizes")


class TestI7:
    def test_a_reader_stands_behind_the_end(self, town: Town) -> None:
        behind = Position(reader="read-models", topic="tasks", partition=0, position=5, end=9)
        found(town.evidence(positions=[behind]), "I7", "read-models stands at tasks[0]@5, records go on to 8")

    def test_it_took_too_long(self, town: Town) -> None:
        found(town.evidence(quiet_s=61.0), "I7", "it took 61.0 s to become quiet, the bound is 60 s")


class TestI8:
    def test_poison_was_not_kept(self, town: Town) -> None:
        del town.partitions[LETTERS][0]
        found(town.evidence(), "I8", "the poison at requests[0]@", "became no dead letter")

    def test_poison_was_kept_twice(self, town: Town) -> None:
        self.repeat(town)
        found(town.evidence(), "I8", "requests[0]@", "became 2 dead letters", "dead.letters[0]@2")

    def test_bytes_were_changed(self, town: Town) -> None:
        self.change(town, value=b"other")
        found(town.evidence(), "I8", "a dead letter with other bytes than its record")

    def test_headers_were_lost(self, town: Town) -> None:
        kept = [(name, value) for name, value in town.partitions[LETTERS][0].headers if name.startswith("dlq.")]
        self.change(town, headers=kept)
        found(town.evidence(), "I8", "a dead letter with other headers than its record")

    def test_a_good_record_was_buried(self, town: Town) -> None:
        good = town.partitions["requests", 0][0]
        told = [("dlq.topic", b"requests"), ("dlq.partition", b"0"), ("dlq.offset", b"0")]
        town.append("dead.letters", good.value, headers=[*good.headers, *told])
        found(town.evidence(), "I8", "a dead letter of requests[0]@0, where no poison was injected")

    def test_a_record_that_is_not_there_was_buried(self, town: Town) -> None:
        told = [("dlq.topic", b"requests"), ("dlq.partition", b"0"), ("dlq.offset", b"999")]
        town.append("dead.letters", b"", headers=told)
        found(town.evidence(), "I8", "a dead letter of a record that is not on the log")

    def test_bad_bytes_that_nobody_injected(self, town: Town) -> None:
        found(town.evidence(poison=town.poison[1:]), "I8", "is unreadable", "was not injected")

    def test_poison_on_the_ledger_and_on_heartbeats_counts(self, town: Town) -> None:
        for topic in ("tasks", "heartbeats"):
            raw = town.append(topic, b"junk")
            poison = [*town.poison, Poison(topic=topic, partition=0, offset=raw.offset)]
            found(town.evidence(poison=poison), "I8", f"the poison at {topic}[0]@{raw.offset} became no dead letter")

    def test_poison_is_known_by_its_hash(self, town: Town) -> None:
        by_hash = Poison(sha256=hashlib.sha256(b"\x00nothing").hexdigest())
        assert check(town.evidence(poison=[by_hash])) == []
        missing = Poison(sha256="0" * 64)
        found(town.evidence(poison=[by_hash, missing]), "I8", "is neither on the log nor among the dead letters")

    def test_markers_of_redriven_letters_are_no_letters(self, town: Town) -> None:
        town.append("dead.letters", b"", key=b"redriven-0", headers=[("dlq.redriven_offset", b"0")])
        assert check(town.evidence()) == []

    def test_a_record_too_large_keeps_its_beginning(self, town: Town) -> None:
        large = b"\x00" + bytes(2_000_000)
        town.bad_bytes("requests", large)
        assert check(town.evidence()) == []
        index = len(town.partitions[LETTERS]) - 1
        self.change(town, index, value=large[:10] + b"x")
        found(town.evidence(), "I8", "a dead letter with other bytes than its record")

    def change(self, town: Town, index: int = 0, **fields: Any) -> None:
        town.partitions[LETTERS][index] = replace(town.partitions[LETTERS][index], **fields)

    def repeat(self, town: Town) -> None:
        letter: Raw = town.partitions[LETTERS][0]
        town.append("dead.letters", letter.value, letter.key, headers=letter.headers)


def test_a_violation_is_one_line_for_people_and_json_for_programs(town: Town) -> None:
    del town.objects[TestI5().key(town)]
    violation = check(town.evidence())[0]
    assert "\n" not in str(violation)
    assert str(violation).startswith("I5 results/one/")
    assert "(tasks[0]@" in str(violation)
    again = msgspec.json.decode(msgspec.json.encode(violation), type=Violation)
    assert again == violation
    assert again.events[0].ids["task_id"] == "one"


class TestSnapshots:
    def mark(self, town: Town, *keys: str) -> None:
        refs = [SnapshotRef(key=key, sha256=hashlib.sha256(key.encode()).hexdigest(), size=len(key)) for key in keys]
        town.append("snapshots", CODEC.encode(LedgerMarked(snapshots=refs)))

    def test_the_newest_mark_counts(self, town: Town) -> None:
        for key in ("snapshots/b", "snapshots/c"):
            town.store(key)
        self.mark(town, "snapshots/a", "snapshots/b")
        found(town.evidence(), "I5", "snapshots/a is missing", "LedgerMarked")
        self.mark(town, "snapshots/b", "snapshots/c")
        assert check(town.evidence()) == []
        town.objects["snapshots/a"] = ObjectSeen(key="snapshots/a", sha256="0" * 64, size=1, old=True)
        found(town.evidence(), "I5", "snapshots/a is named by no event")
