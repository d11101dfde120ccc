"""Small pure parts of the local stack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local import ports
from infra.local.java import bundled_java, find_java, parse_version
from infra.local.kafka import new_cluster_id
from infra.local.lifecycle import Backoff
from infra.local.locks import try_exclusive
from infra.local.logs import rotate, tail
from infra.local.paths import StackPaths, cache_dir
from infra.local.postgres_external import shown
from infra.local.process import ProcessSpec
from infra.local.state import (
    NotRunningError,
    ProcessRecord,
    StackState,
    read_state,
    running_settings,
    this_process,
    write_state,
)
from infra.local.supervisor import levels
from infra.log_reader import plain
from infra.ready import READY_FILE, mark_ready
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15"', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "25"', 25),
        ("sh: no", None),
    ],
)
def test_java_versions(text: str, version: int | None) -> None:
    assert parse_version(text) == version


def test_without_java_the_bundled_runtime_is_used() -> None:
    assert find_java({"PATH": ""}) == bundled_java()
    assert bundled_java().version >= 17


def test_a_wrong_java_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="STORYREEL_JAVA"):
        find_java({"STORYREEL_JAVA": str(tmp_path / "java")})


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert not ports.is_free(port)
        other = ports.choose(port)
        assert other != port
        assert ports.choose(other) == other
        assert ports.choose(other, frozenset({other})) != other


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "stack.lock"
    code = "import sys; from pathlib import Path; from infra.local.locks import try_exclusive; "
    code += "held = try_exclusive(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert try_exclusive(lock) is None
        assert lock.read_text() == f"{holder.pid}\n"
        holder.kill()
        holder.wait()
        taken = try_exclusive(lock)
        assert taken is not None
        taken.close()


@given(st.integers(1, 10_000))
def test_pauses_grow_to_the_longest(failures: int) -> None:
    backoff = Backoff()
    assert backoff.pause(failures) == min(30.0, 2.0 ** min(failures - 1, 10))
    assert backoff.pause(failures) <= backoff.pause(failures + 1)


@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12)), max_size=12))
def test_levels_put_needs_first(graph: dict[int, set[int]]) -> None:
    specs = [
        ProcessSpec(name=str(node), argv=("x",), needs=tuple(str(n) for n in needs if n < node and n in graph))
        for node, needs in graph.items()
    ]
    seen: set[str] = set()
    by_name = {spec.name: spec for spec in specs}
    for level in levels(specs):
        assert all(set(by_name[name].needs) <= seen for name in level)
        seen.update(level)
    assert seen == set(by_name)


@pytest.mark.parametrize("needs", [("a",), ("unknown",)])
def test_needs_that_cannot_be_met_are_refused(needs: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="need"):
        levels([ProcessSpec(name="a", argv=("x",), needs=needs)])


def test_rotation_keeps_the_writer_and_three_files(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    with log.open("a") as writer:
        for turn in range(6):
            writer.write(f"turn {turn}\n" * 20)
            writer.flush()
            assert rotate(log, max_bytes=100, keep=3)
        writer.write("last\n")
    assert log.read_text() == "last\n"
    assert [tail(tmp_path / f"kafka.log.{n}", 1) for n in (1, 2, 3)] == [["turn 5"], ["turn 4"], ["turn 3"]]
    assert not (tmp_path / "kafka.log.4").exists()
    assert not rotate(log, max_bytes=100)


def test_the_ready_file(tmp_path: Path) -> None:
    mark_ready({})
    mark_ready({READY_FILE: str(tmp_path / "api.ready")})
    assert [path.name for path in tmp_path.iterdir()] == ["api.ready"]


def test_a_record_finds_only_the_same_process() -> None:
    own = this_process()
    assert own.find() == psutil.Process()
    assert own.create_time is not None
    reused = ProcessRecord(name="x", pid=os.getpid(), create_time=own.create_time - 100, state="ready")
    assert reused.find() is None


def test_state_survives_and_damage_is_named(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path)
    assert read_state(paths) == StackState()
    state = StackState(ports={"kafka": 21000}, processes=[this_process()])
    write_state(paths, state)
    assert read_state(paths) == state
    paths.state.write_bytes(b"{")
    with pytest.raises(ConfigurationError, match=r"stack\.json"):
        read_state(paths)


def test_commands_without_a_stack_say_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="storyreel up"):
        running_settings(tmp_path)


def test_the_cache_folder(tmp_path: Path) -> None:
    assert cache_dir({"STORYREEL_CACHE": str(tmp_path)}) == tmp_path
    assert cache_dir({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "storyreel"
    assert cache_dir({"STORYREEL_CACHE": "parts"}) == Path.cwd() / "parts"  # programs run in folders of their own


def test_cluster_ids_are_what_kafka_takes() -> None:
    made = {new_cluster_id() for _ in range(200)}
    assert len(made) == 200
    assert all(len(text) == 22 and not text.startswith("-") for text in made)


@pytest.mark.parametrize("url", ["postgresql://me:secret@db:5433/film", "postgresql://me:secret@db:port/film"])
def test_addresses_are_shown_without_the_password(url: str) -> None:
    assert "secret" not in shown(url)


def test_sealed_fields_show_only_their_length() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    fields = {"prompt": b"abc", "tags": [b"", "x"], "at": moment, "n": 1, "none": None}
    assert plain(fields) == {
        "prompt": "<sealed 3 bytes>",
        "tags": ["<sealed 0 bytes>", "x"],
        "at": "2026-01-02T00:00:00+00:00",
        "n": 1,
        "none": None,
    }
