"""The simulation: the product passes it, every planted bug is found, a seed replays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace

from tests.faults.simulation import simulate
from tests.faults.simulation.bugs import BUGS
from tests.faults.simulation.checker import Checker
from tests.faults.simulation.log import MemoryLog, Transaction
from tests.faults.simulation.owner import Rules
from tests.faults.simulation.world import World

MOST_SEEDS = 150  # within which a planted bug must show


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults.simulation", *arguments]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_sixty_histories_keep_every_invariant() -> None:
    done = run("--histories", "60", "--seed", "1", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 histories, 0 failed" in done.stdout
    assert "failing seeds: none" in done.stdout


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    for seed in range(1, MOST_SEEDS + 1):
        if simulate(seed, **BUGS[bug]()).violations:
            return
    pytest.fail(f"{MOST_SEEDS} histories passed although {bug}")


def test_a_failing_seed_is_named_and_replays_the_same() -> None:
    named = run("--histories", "1", "--seed", "1", "--processes", "1", "--bug", "answered twice")
    assert named.returncode == 1
    assert "seed 1 FAILED: #5 I1 r1@0 is answered twice" in named.stdout
    first, again = (run("--replay", "1", "--bug", "answered twice") for _ in range(2))
    assert first.returncode == 1
    assert "VIOLATION #5 I1 r1@0 is answered twice" in first.stdout
    assert first.stdout == again.stdout


def test_a_log_without_fencing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fenced = MemoryLog.commit

    def commit(log: MemoryLog, _generation: int, transaction: Transaction) -> None:
        newest = log._generation
        fenced(log, newest, transaction)

    monkeypatch.setattr(MemoryLog, "commit", commit)
    assert any("I6 shard_seq" in found for seed in range(1, 20) for found in simulate(seed).violations)


@pytest.mark.parametrize("damage", ["lost", "doubled", "swapped", "changed"])
def test_a_damaged_log_is_found(damage: str) -> None:
    world = World(3, Rules(), 50, 10)
    assert world.run() == ""
    assert Checker(world.log).check(drained=True) == []
    entries = max(world.log.transactions, key=lambda transaction: len(transaction.entries)).entries
    match damage:
        case "lost":
            del entries[1]
        case "doubled":
            entries.insert(1, entries[1])
        case "swapped":
            entries[1], entries[2] = entries[2], entries[1]
        case "changed":
            value = bytearray(entries[1].value)
            value[-1] ^= 1
            entries[1] = replace(entries[1], value=bytes(value))
    assert any(" I6 " in found for found in Checker(world.log).check(drained=True))


def test_a_history_holds_what_it_promises() -> None:
    report = simulate(7, requests=50, faults=10)
    assert report.requests >= 50
    assert len(report.faults) >= 10
    assert report.violations == []
    assert {"TaskCompleted", "TaskCancelled", "StageRetryScheduled"} <= {type(e).__name__ for e in report.events}
