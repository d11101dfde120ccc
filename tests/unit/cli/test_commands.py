"""The command line without servers: exit codes, messages, and what it asks of whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from infra.cli import main
from infra.cli.target import target_settings
from infra.cli.topics import kept
from infra.local.paths import StackPaths
from infra.local.state import (
    NotRunningError,
    ProcessRecord,
    StackState,
    read_state,
    this_process,
    write_settings,
    write_state,
)
from infra.settings import Settings
from infra.troubles import Trouble, Troubles
from schemas.errors import ConfigurationError

NAP = [sys.executable, "-c", "import time; time.sleep(600)"]

POLITE = """
import pathlib, signal, sys
def end(*_):
    pathlib.Path(sys.argv[1]).write_text("by itself")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
signal.pause()
"""


def run(*arguments: str) -> int:
    """Exit code of a command."""
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@contextmanager
def napping(name: str) -> Iterator[tuple[subprocess.Popen[bytes], ProcessRecord]]:
    """A living process of its own session and its record."""
    with subprocess.Popen(NAP, start_new_session=True) as process:
        try:
            created = psutil.Process(process.pid).create_time()
            yield process, ProcessRecord(name=name, pid=process.pid, create_time=created, state="ready")
        finally:
            process.kill()


def running_stack(folder: Path, **settings: Any) -> StackPaths:
    """A data folder that looks as if this process supervised a stack in it."""
    paths = StackPaths(folder.resolve())
    paths.create()
    processes = [ProcessRecord(name="kafka", pid=77, create_time=1.0, state="backoff", restarts=2)]
    endpoints = {"kafka": "127.0.0.1:21000", "api": "http://127.0.0.1:8000"}
    write_state(paths, StackState(supervisor=this_process(), ready=True, processes=processes, endpoints=endpoints))
    write_settings(paths, Settings(data_dir=paths.data, **settings))
    return paths


def test_status_of_nothing_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", "--data", str(tmp_path)) == 3
    assert capsys.readouterr().out == f"nothing runs in {tmp_path}\n"
    assert run("status", "--json", "--data", str(tmp_path)) == 3
    assert json.loads(capsys.readouterr().out) == {
        "processes": [],
        "endpoints": {"api": None, "kafka": None, "registry": None, "postgres": None},
        "ready": False,
        "data": str(tmp_path),
    }


def test_status_of_a_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running_stack(tmp_path)
    assert run("status", "--json", "--data", str(tmp_path)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["processes"] == [{"name": "kafka", "pid": 77, "state": "backoff", "restarts": 2, "troubles": []}]
    assert answer["endpoints"] == {
        "api": "http://127.0.0.1:8000",
        "kafka": "127.0.0.1:21000",
        "registry": None,
        "postgres": None,
    }
    assert answer["ready"] is True
    trouble = Troubles(
        pid=77, by_part={"store": Trouble(text="the disk is slow", since=datetime(2026, 1, 2, 3, tzinfo=UTC))}
    )
    StackPaths(tmp_path).trouble("kafka").write_bytes(msgspec.json.encode(trouble))
    assert run("status", "--data", str(tmp_path)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "the disk is slow (since 03:00:00 UTC)" in shown
    assert all(word in shown for word in ("kafka", "77", "backoff", "http://127.0.0.1:8000"))


@pytest.mark.parametrize("command", [("log", "tail"), ("topics", "describe"), ("user", "create")])
def test_errors_are_one_line_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert run(*command, "--data", str(tmp_path)) == 1
    captured = capsys.readouterr()
    assert captured.err == f"error: no stack runs in {tmp_path}; start one with: storyreel up --data {tmp_path}\n"
    assert captured.out == ""


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError):
        main(["--debug", "log", "tail", "--data", str(tmp_path)])


def test_a_damaged_state_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stack.json").write_text("{")
    assert run("down", "--data", str(tmp_path)) == 1
    assert str(tmp_path / "stack.json") in capsys.readouterr().err


def test_what_the_system_refuses_is_one_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stack.json").mkdir()
    assert run("down", "--data", str(tmp_path)) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(f"Is a directory: '{tmp_path}/stack.json'")


def test_a_reader_that_has_seen_enough_is_no_error_to_show(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-u", "-m", "infra.cli", "status", "--data", str(tmp_path)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_down_may_be_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run("down", "--data", str(tmp_path)) == 0
        assert capsys.readouterr().out == f"nothing runs in {tmp_path}\n"


def test_down_ends_what_a_killed_supervisor_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with napping("kafka") as (process, record):
        write_state(StackPaths(tmp_path), StackState(processes=[record]))
        assert run("down", "--data", str(tmp_path)) == 0
        assert "ended leftovers: kafka" in capsys.readouterr().out
        process.wait(5)
    assert run("down", "--data", str(tmp_path)) == 0
    assert capsys.readouterr().out == f"nothing runs in {tmp_path}\n"


def test_down_asks_the_supervisor_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polite = [sys.executable, "-c", POLITE, str(tmp_path / "ended")]
    with subprocess.Popen(polite, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        created = psutil.Process(process.pid).create_time()
        supervisor = ProcessRecord(name="supervisor", pid=process.pid, create_time=created, state="ready")
        write_state(StackPaths(tmp_path), StackState(supervisor=supervisor))
        assert run("down", "--data", str(tmp_path)) == 0
        process.wait(5)
    assert (tmp_path / "ended").read_text() == "by itself"
    assert capsys.readouterr().out == f"stopped the stack in {tmp_path}\n"


def test_without_a_stack_the_environment_names_the_cluster(tmp_path: Path) -> None:
    cluster = {"STORYREEL_KAFKA": "broker:9092", "STORYREEL_DEVICE_SLOTS": "8"}
    found = target_settings(tmp_path, cluster)
    assert (found.kafka, found.device_slots) == ("broker:9092", 8)
    with pytest.raises(NotRunningError):
        target_settings(tmp_path, {"STORYREEL_DEVICE_SLOTS": "8"})
    with pytest.raises(ConfigurationError, match="shards"):
        target_settings(tmp_path, cluster | {"STORYREEL_SHARDS": "many"})
    with pytest.raises(ConfigurationError, match="one shard"):
        target_settings(tmp_path, cluster | {"STORYREEL_SHARDS": "3"})
    running_stack(tmp_path, kafka="127.0.0.1:21000")
    assert target_settings(tmp_path, cluster).kafka == "127.0.0.1:21000"


@pytest.mark.parametrize(
    ("configs", "words"),
    [
        ({"cleanup.policy": "delete", "retention.ms": "-1"}, "for ever"),
        ({"cleanup.policy": "compact", "retention.ms": "-1"}, "last of each key"),
        ({"cleanup.policy": "delete", "retention.ms": "604800000"}, "7 days"),
        ({"cleanup.policy": "delete", "retention.ms": "3600000"}, "1 hours"),
    ],
)
def test_retention_in_words(configs: dict[str, str], words: str) -> None:
    assert kept(configs) == words


def test_settings_with_passwords_are_the_owners_only(tmp_path: Path) -> None:
    paths = running_stack(tmp_path, database_url="postgresql://storyreel:s3cret@127.0.0.1/storyreel")
    assert paths.settings.stat().st_mode & 0o777 == 0o600
    assert "s3cret" in paths.settings.read_text()
    assert "s3cret" not in paths.state.read_text()
    assert target_settings(tmp_path, {}).database_url.endswith("s3cret@127.0.0.1/storyreel")
    assert read_state(paths).alive()
