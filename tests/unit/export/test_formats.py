"""What an export's files hold: rows for tables, bytes for the archive."""

from __future__ import annotations

import base64
import builtins
import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.export.archive import Archive, read_entries
from infra.export.columns import columns_of
from infra.export.entry import Entry
from infra.export.jsonl import JsonLines
from infra.export.parquet import Parquet, arrow_schema
from infra.export.parts import Parts
from schemas.errors import ConfigurationError, StoreError
from schemas.serde import HEADER
from schemas.tasks import TaskQueued
from schemas.topics import BY_NAME, TASKS, TOPICS, TopicSpec
from tests.unit.export.samples import CODEC, DAY, NOON, TEXTS, Offline, completed, entry, query, queued, written

MIXED = [entry(queued(1), 10), entry(completed(1), 11), entry(queued(2), 13, NOON + DAY)]
POISON = Entry(
    topic="tasks", partition=0, offset=14, timestamp=NOON, key=None, value=b"\x01junk", headers=(("why", None),)
)
TOMBSTONE = Entry(topic="tasks", partition=0, offset=15, timestamp=NOON, key=b"\xff", value=None)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_one_table_with_a_column_for_every_field(topic: TopicSpec) -> None:
    columns = columns_of(topic)
    for record in topic.records:
        assert set(record.__struct_fields__) - {"envelope", "stamp"} <= set(columns)
    assert arrow_schema(topic).names == list(columns)


def test_parquet_has_typed_columns_by_topic_and_day(tmp_path: Path) -> None:
    files = written(tmp_path, Parquet(Offline()), [*MIXED, POISON, TOMBSTONE])
    assert {str(path.relative_to(tmp_path).parent) for path in files} == {
        "tasks/date=2026-11-24",
        "tasks/date=2026-11-25",
    }
    found = query(
        f"""SELECT date, kafka_offset, record, event_id, shard_seq, task_id, sealed, cached, undecodable IS NOT NULL, kafka_value,
                   kafka_headers, kafka_timestamp = make_timestamptz(2026, 11, 24, 12, 0, 0, 'UTC')
            FROM read_parquet('{tmp_path}/tasks/*/*.parquet') ORDER BY kafka_offset"""
    )
    assert [tuple(map(str, row[:2])) for row in found] == [
        ("2026-11-24", "10"),
        ("2026-11-24", "11"),
        ("2026-11-25", "13"),
        ("2026-11-24", "14"),
        ("2026-11-24", "15"),
    ]
    assert found[0][2:10] == ("TaskQueued", "e1", 1, "t1", b"\x00\xff", None, False, None)
    assert found[1][2:9] == ("TaskCompleted", "", 0, "t1", None, True, False)
    assert found[3][2:] == (None, None, None, None, None, None, True, b"\x01junk", '{"why": null}', True)
    assert found[4][8:10] == (True, None)
    assert [row[11] for row in found] == [True, True, False, True, True]


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.export.parquet.GROUP_ROWS", 4)
    parts = Parts(tmp_path, Parquet(Offline()))
    for first in range(0, 12, 2):
        parts.add([entry(queued(number), number) for number in (first, first + 1)])
    [file] = parts.finish()
    groups = query(f"SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata('{tmp_path / file.path}')")
    assert sorted(groups) == [(0, 4), (1, 4), (2, 4)]


def test_without_pyarrow_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise builtins.ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"its extra `analytics`.*--format jsonl"):
        Parquet(Offline())


@pytest.mark.parametrize("gzipped", [False, True])
def test_json_lines_say_the_same(tmp_path: Path, gzipped: bool) -> None:
    files = written(tmp_path, JsonLines(Offline(), gzipped=gzipped), [*MIXED[:2], POISON])
    [path] = files
    text = gzip.decompress(path.read_bytes()) if gzipped else path.read_bytes()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row.get("record") for row in rows] == ["TaskQueued", "TaskCompleted", None]
    assert rows[0]["kafka_timestamp"] == "2026-11-24T12:00:00Z"
    assert base64.b64decode(rows[0]["sealed"]) == b"\x00\xff"
    assert base64.b64decode(rows[2]["kafka_value"]) == b"\x01junk"
    assert "magic byte 1" in rows[2]["undecodable"]


def test_the_archive_is_avro_that_any_tool_reads(tmp_path: Path) -> None:
    files = written(tmp_path, Archive(Offline()), [*MIXED, POISON])
    assert sorted(path.name.split("-")[3].removesuffix(".avro") for path in files) == [
        "TaskCompleted",
        "TaskQueued",
        "TaskQueued",
        "raw",
    ]
    with files[0].open("rb") as source:
        reader = fastavro.reader(source)
        found: Any = next(iter(reader))
    assert reader.metadata["storyreel.topic"] == "tasks"
    assert (found["offset"], found["body"]["task_id"], found["body"]["sealed"]) == (10, "t1", b"\x00\xff")
    assert found["timestamp"].isoformat() == "2026-11-24T12:00:00+00:00"


def read_back(folder: Path, entries: list[Entry]) -> list[Entry]:
    paths = written(folder, Archive(Offline()), entries)
    return sorted((found for path in paths for found in read_entries(path)), key=lambda found: found.offset)


@given(
    st.lists(
        st.tuples(
            st.none() | st.binary(max_size=40),
            st.none() | st.binary(max_size=40) | st.sampled_from([CODEC.encode(queued(3)), CODEC.encode(completed(4))]),
            st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3),
            st.integers(0, 2**41),
        ),
        max_size=8,
    )
)
def test_every_byte_comes_back(tmp_path_factory: pytest.TempPathFactory, records: list[Any]) -> None:
    entries = [
        Entry(topic="tasks", partition=3, offset=n, timestamp=at, key=key, value=value, headers=tuple(headers))
        for n, (key, value, headers, at) in enumerate(records)
    ]
    assert read_back(tmp_path_factory.mktemp("archive"), entries) == entries


def test_a_body_that_another_library_encoded_otherwise_keeps_its_bytes(tmp_path: Path) -> None:
    """An array may carry the size of its blocks: bodies are copied, and not encoded anew."""
    event = TaskQueued(task_id="t", character_ids=["ABCDEFGH"])
    plain = CODEC.encode(event)
    sized = plain.replace(b"\x02\x10ABCDEFGH\x00", b"\x01\x12\x10ABCDEFGH\x00")
    assert sized != plain
    assert CODEC.decode(sized) == event
    found = Entry(topic="tasks", partition=0, offset=0, timestamp=NOON, value=sized)
    assert Archive(Offline()).kind_of(found).startswith("TaskQueued-")
    assert read_back(tmp_path, [found]) == [found]


def test_more_than_a_block_comes_back(tmp_path: Path) -> None:
    entries = [entry(queued(number % 500), number) for number in range(3000)]
    [path] = written(tmp_path, Archive(Offline()), entries)
    assert list(read_entries(path)) == entries


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    [path] = written(tmp_path, Archive(Offline()), [entry(queued(number), number) for number in range(50)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StoreError, match=path.name):
        list(read_entries(path))


def test_kinds_follow_the_schema_that_was_written_with() -> None:
    foreign = Entry(topic="quotas", partition=0, offset=1, timestamp=NOON, value=CODEC.encode(queued(1)))
    archive = Archive(Offline())
    assert archive.kind_of(foreign) == "raw", "a record on a topic it does not belong to"
    schema_id = HEADER.unpack_from(CODEC.encode(queued(1)))[1]
    assert archive.kind_of(entry(queued(1), 1)) == f"TaskQueued-{schema_id}"
    assert BY_NAME["tasks"] is TASKS
    assert archive.schemas() == {number: TEXTS[number] for number in range(1, schema_id + 1)}, "lower ids come along"
