"""No change of a schema breaks a reader: every version ever released against every other, and the bytes each one wrote."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest

from schemas.derive import avsc_path
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.evolution import full_transitive_breaks
from schemas.history import HISTORY_DIR, Version, release, structure, to_release, versions
from schemas.serde import HEADER, Codec, schema_text
from schemas.tasks import TaskCompleted
from schemas.topics import TOPIC_OF

RECORDS = {record.__name__: record for record in TOPIC_OF}
RELEASED = [version for name in sorted(RECORDS) for version in versions(name)]
_NATIVE = (bytes, type(TaskCompleted().envelope.occurred_at))

by_version = pytest.mark.parametrize("version", RELEASED, ids=lambda v: f"{v.record}-{v.number}")
by_record = pytest.mark.parametrize("record", sorted(RECORDS))


def decoded(version: Version) -> Record:
    """The golden bytes as today's software reads them from a topic."""
    codec = Codec({name: number for number, name in enumerate(RECORDS, start=1)})
    codec.learn(77_000, version.text)
    return codec.decode(HEADER.pack(0, 77_000) + version.body)


def read(body: bytes, writer: Any, reader: Any) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(writer), fastavro.parse_schema(reader))


def lost(written: Any, found: Any, path: str = "") -> list[str]:
    """Fields of what was written that are not found as they were."""
    if isinstance(written, dict) and isinstance(found, dict):
        return [
            place
            for key, value in written.items()
            for place in (lost(value, found[key], f"{path}.{key}") if key in found else [f"{path}.{key}"])
        ]
    if isinstance(written, list) and isinstance(found, list) and len(written) == len(found):
        return [place for pair in zip(written, found, strict=True) for place in lost(*pair, f"{path}[]")]
    return [] if written == found else [path]


def symbols(schema: Any) -> frozenset[str]:
    """All symbols of the enums of a schema."""
    if isinstance(schema, list):
        return frozenset().union(*map(symbols, schema))
    if not isinstance(schema, dict):
        return frozenset()
    return frozenset(schema.get("symbols", ())).union(*(symbols(part) for part in schema.values()))


def without(written: Any, new: frozenset[str]) -> Any:
    """What software reads that does not know the symbols in `new`: the default of their enum."""
    if isinstance(written, dict):
        return {key: without(value, new) for key, value in written.items()}
    if isinstance(written, list):
        return [without(value, new) for value in written]
    return "unknown" if isinstance(written, str) and written in new else written


@by_record
def test_what_is_registered_today_is_in_the_history(record: str) -> None:
    today = json.loads(avsc_path(RECORDS[record]).read_text(encoding="utf-8"))
    newest = versions(record)[-1]
    assert structure(newest.schema) == structure(today), "run: python -m schemas.derive"


def test_no_history_is_left_over() -> None:
    assert {path.name for path in HISTORY_DIR.iterdir()} == set(RECORDS), "records are never taken away"


@by_record
def test_every_version_reads_every_other(record: str) -> None:
    assert full_transitive_breaks({f"version {v.number}": v.schema for v in versions(record)}) == []


@by_version
def test_the_bytes_of_every_version_are_todays_records(version: Version) -> None:
    written = read(version.body, version.schema, version.schema)
    record = decoded(version)
    assert type(record) is RECORDS[version.record]
    assert lost(written, msgspec.to_builtins(record, builtin_types=_NATIVE)) == []
    assert record != type(record)(), "sample bytes show nothing if they are the defaults"


@by_version
def test_todays_bytes_are_read_by_the_software_of_every_version(version: Version) -> None:
    newest = versions(version.record)[-1]
    today = read(newest.body, newest.schema, newest.schema)
    found = read(newest.body, newest.schema, version.schema)
    assert lost(found, without(today, symbols(newest.schema) - symbols(version.schema))) == []


def test_a_released_version_cannot_be_changed_or_taken_away(tmp_path: Path) -> None:
    shutil.copytree(HISTORY_DIR / "TaskCompleted", tmp_path / "TaskCompleted")
    first = tmp_path / "TaskCompleted" / "1.avsc"
    first.write_text(first.read_text().replace('"outputs"', '"files"'))
    with pytest.raises(ContractError, match=r"1\.avsc is not the schema that was released"):
        versions("TaskCompleted", tmp_path)
    first.unlink()
    with pytest.raises(ContractError, match="is missing"):
        versions("TaskCompleted", tmp_path)
    with pytest.raises(FileExistsError):
        release(versions("TaskCompleted")[-1], HISTORY_DIR)


def derive(copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schemas.derive"], cwd=copy, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(Path(str(sys.modules["schemas.derive"].__file__)).parent, tmp_path / "schemas")
    return tmp_path


def test_the_walk_through_of_the_documentation(copy: Path) -> None:
    """A field is added to `TaskCancelled` as the page tells; old software reads new bytes, new software old ones."""
    source = copy / "schemas/tasks.py"
    old_line = '    """Stopped on request; nothing is charged."""\n'
    assert old_line in source.read_text(encoding="utf-8")
    source.write_text(source.read_text(encoding="utf-8").replace(old_line, f'{old_line}\n    reason: str = ""\n'))

    told = derive(copy)
    before = versions("TaskCancelled")
    assert told.returncode == 0, told.stderr
    assert f"TaskCancelled: version {len(before) + 1} is new" in told.stdout
    assert "is new" not in derive(copy).stdout

    new = versions("TaskCancelled", copy / "schemas/history")[-1]
    assert [field["name"] for field in new.schema["fields"]][-1] == "reason"
    for old in before:
        by_old = read(new.body, new.schema, old.schema)
        assert by_old["task_id"] == ".task_id"
        assert "reason" not in by_old
        by_new = read(old.body, old.schema, new.schema)
        assert (by_new["task_id"], by_new["reason"]) == (".task_id", "")
    assert decoded(new).envelope == decoded(before[-1]).envelope


@pytest.mark.parametrize(
    ("line", "changed", "words"),
    [
        ("    cached: bool = False\n", '    cached: str = ""\n', "cached: string does not read boolean"),
        ("    render_ms: int = 0\n", "    render_ms: float = 0.0\n", "render_ms: long does not read double"),
        ("    attempt: int = 0\n", "    attempt: int | None = None\n", "attempt: long does not read null"),
    ],
)
def test_an_incompatible_change_is_refused_and_nothing_is_written(
    copy: Path, line: str, changed: str, words: str
) -> None:
    source = copy / "schemas/tasks.py"
    source.write_text(source.read_text(encoding="utf-8").replace(line, changed))
    stored = {path: path.read_bytes() for path in copy.rglob("*.avsc")}
    refused = derive(copy)
    assert refused.returncode == 1
    assert "nothing was written" in refused.stderr
    assert words in refused.stderr
    assert {path: path.read_bytes() for path in copy.rglob("*.avsc")} == stored


def test_another_description_is_no_new_version() -> None:
    text = json.dumps(json.loads(schema_text(TaskCompleted)) | {"doc": "other words"})
    assert to_release("TaskCompleted", text, versions("TaskCompleted")) is None
