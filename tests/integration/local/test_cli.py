"""A stack that runs on after its command: `up --detach`, `status` and `down`, with every process of the product."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local.helpers import mentioning

NOTHING_RUNS = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder; whatever the test leaves running is stopped."""
    with tempfile.TemporaryDirectory(prefix="storyreel-cli-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"
        storyreel("down", folder=Path(made) / "data")


def storyreel(*arguments: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command and insist on its exit code."""
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    command = [sys.executable, "-m", "infra.cli", *arguments, "--data", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_a_detached_stack_from_up_to_down(folder: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        counts = ("--devices", "1", "--coordinators", "2")
        storyreel("up", "--detach", *counts, "--port", str(taken), folder=folder)
    assert f"port {taken} is taken" in (folder / "logs" / "supervisor.log").read_text()
    status = json.loads(storyreel("status", "--json", folder=folder).stdout)
    assert {process["name"]: process["state"] for process in status["processes"]} == dict.fromkeys(
        ["kafka", "postgres", "registry", "coordinator", "coordinator-2", "read-models", "api", "device-0"], "ready"
    )
    before = {process["name"]: process["pid"] for process in status["processes"]}
    restarted = ("device-0", "coordinator")
    told = storyreel("restart", *restarted, folder=folder).stdout
    assert [line.split()[0] for line in told.splitlines()] == list(restarted)
    processes = json.loads(storyreel("status", "--json", folder=folder).stdout)["processes"]
    assert {process["name"] for process in processes if process["pid"] != before[process["name"]]} == set(restarted)
    assert {process["state"] for process in processes} == {"ready"}
    storyreel("restart", "nobody", folder=folder, code=1)
    assert str(taken) not in status["endpoints"]["api"]

    began = time.monotonic()
    storyreel("status", folder=folder)
    started = time.monotonic()
    storyreel("down", folder=folder)
    assert time.monotonic() - started < 10 + 2 * (started - began)  # the start of an interpreter comes on top
    assert mentioning(str(folder)) == []
    storyreel("status", folder=folder, code=NOTHING_RUNS)
