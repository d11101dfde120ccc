"""The folder of an export: only what the manifest lists counts, and the order of records is that of their offsets."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.export.archive import Archive
from infra.export.entry import Entry
from infra.export.jsonl import JsonLines
from infra.export.log_export import Window, export
from infra.export.manifest import Manifest, PartFile, load, save, sweep
from infra.export.parts import Parts
from infra.export.replay import has_hole, in_order, overlapping, reframed
from infra.local.locks import exclusive
from schemas.errors import ConfigurationError
from schemas.serde import HEADER
from tests.unit.export.samples import CODEC, DAY, NOON, Offline, completed, entry, queued


def part(first: int, last: int, records: int = 1) -> PartFile:
    return PartFile(
        path=f"{first}", topic="tasks", partition=0, first=first, last=last, records=records, size=1, sha256=""
    )


def test_a_manifest_survives_and_a_foreign_file_is_named(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    made = Manifest(format="avro", cluster="c", positions={"tasks/0": 7}, files=[part(0, 6)], schemas={3: "{}"})
    save(tmp_path, made)
    assert load(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    (tmp_path / "manifest.json").write_text('{"format": 3}')
    with pytest.raises(ConfigurationError, match=r"manifest\.json is no manifest.*format"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "avro", "cluster": "c", "layout": 2}')
    with pytest.raises(ConfigurationError, match="layout 2"):
        load(tmp_path)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    parts = Parts(tmp_path, JsonLines(Offline()))
    parts.add([entry(queued(1), 1)])
    finished = parts.finish()
    parts.add([entry(queued(2), 2)])
    unlisted = parts.finish()[0]
    parts.add([entry(queued(3), 3, NOON + DAY)])  # never finished
    notes = tmp_path / "tasks/date=2026-11-24/notes.txt"
    notes.write_text("mine")
    removed = sweep(tmp_path, Manifest(format="jsonl", cluster="c", files=finished), ["tasks"])
    assert {path.name for path in removed} == {Path(unlisted.path).name, ".part-00000-000000000003.jsonl"}
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / finished[0].path, notes}


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    parts = Parts(tmp_path, JsonLines(Offline()))
    parts.add([entry(queued(1), 1), entry(queued(2), 2)])
    assert list(tmp_path.rglob("part-*")) == []
    [file] = parts.finish()
    assert (file.first, file.last, file.records) == (1, 2, 2)
    assert (tmp_path / file.path).stat().st_size == file.size
    assert (parts.records, parts.files) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), max_size=12))
def test_groups_share_no_offsets_and_lose_no_file(spans: list[tuple[int, int]]) -> None:
    files = [part(first, first + length) for first, length in spans]
    groups = list(overlapping(files))
    assert sorted(file.path for group in groups for file in group) == sorted(file.path for file in files)
    for before, after in itertools.pairwise(groups):
        assert max(file.last for file in before) < min(file.first for file in after)


def test_records_of_several_kinds_and_runs_come_in_their_order(tmp_path: Path) -> None:
    parts = Parts(tmp_path, Archive(Offline()))
    records = [entry(queued(n) if n % 3 else completed(n), n, NOON + n % 2 * DAY) for n in range(60)]
    files = []
    for first in range(0, 60, 20):
        parts.add(records[first : first + 20])
        files += parts.finish()
    assert len(files) == 12
    assert list(in_order(tmp_path, files)) == records


async def test_two_exports_do_not_share_a_folder(tmp_path: Path) -> None:
    with exclusive(tmp_path / ".lock"), pytest.raises(ConfigurationError, match="another export is writing"):
        await export("127.0.0.1:1", tmp_path, JsonLines(Offline()), ["tasks"], Window(), lambda *_: None)


async def test_an_unknown_topic_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such topic: films; there are requests, "):
        await export("127.0.0.1:1", tmp_path / "no", JsonLines(Offline()), ["films"], Window(), lambda *_: None)
    assert not (tmp_path / "no").exists()


def test_holes_are_seen() -> None:
    assert not has_hole([], 7)
    assert not has_hole([part(3, 6, 2), part(4, 5, 2)], 7)
    assert has_hole([part(3, 6, 3)], 7)
    assert has_hole([part(3, 6, 4)], 8), "what follows the last record was no record"


def test_a_record_gets_the_id_of_the_new_registry_and_keeps_its_body() -> None:
    value = CODEC.encode(queued(1))
    number = HEADER.unpack_from(value)[1]
    found = Entry(topic="tasks", partition=0, offset=0, timestamp=NOON, value=value)
    assert reframed(found, {number: 901}) == HEADER.pack(0, 901) + value[HEADER.size :]
    assert reframed(found, {number: number}) == reframed(found, {}) == value
    for other in (None, b"", b"\x01junk", b"\x00\x00"):
        assert reframed(Entry(topic="t", partition=0, offset=0, timestamp=0, value=other), {0: 5, 1: 5}) == other
