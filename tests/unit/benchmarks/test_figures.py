"""Figures are judged by medians, on the right side of their limits, and shown so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.benchmarks.figures import Figure
from tests.benchmarks.results import Machine, Measured, Results, merge, store
from tests.benchmarks.table import table

MACHINE = Machine(cores=2, memory_gib=24.0, python="3.11", revision="abc")


@pytest.mark.parametrize(("runs", "passed"), [([9.0, 10.0, 99.0], True), ([9.0, 10.1, 99.0], False)])
def test_a_limit_bounds_the_median(runs: list[float], passed: bool) -> None:
    assert Figure(name="start", unit="s", runs=runs, limit=10, better="less").passed is passed


@pytest.mark.parametrize(("runs", "passed"), [([299.0, 300.0, 900.0], True), ([1.0, 299.0, 900.0], False)])
def test_a_limit_of_the_baseline_bounds_the_quotient_of_medians(runs: list[float], passed: bool) -> None:
    figure = Figure(name="rate", unit="/s", runs=runs, baseline=[1.0, 100.0, 150.0], limit=3.0, of_baseline=True)
    assert figure.passed is passed


def test_without_a_limit_nothing_is_judged() -> None:
    assert Figure(name="rate", unit="/s", runs=[1.0], baseline=[1.0]).passed is None


def test_a_baseline_that_used_nothing_has_no_quotient() -> None:
    assert Figure(name="CPU", unit="ms", runs=[1.0], baseline=[0.0]).ratio is None


def test_the_table_names_what_misses_and_whose_the_parts_are() -> None:
    figures = [
        Figure(name="accepts", unit="/s", runs=[100.0], baseline=[50.0], limit=3.0, of_baseline=True),
        Figure(name="single", unit="ms", runs=[20.0], limit=40.0, stretch=23.0, better="less"),
        Figure(name="CPU", unit="ms", runs=[3.0], shares={"peer redis": [3.0], "ours kafka": [1.0], "ours api": [2.0]}),
    ]
    shown = table([Measured(part="accepts", figures=figures, machine=MACHINE, load_average=[1.0, 2.0])])
    accepts, single = (next(line for line in shown.splitlines() if line.startswith(f"| {n}")) for n in ("acc", "sin"))
    assert "2.00" in accepts
    assert "MISS" in accepts
    assert "pass (stretch)" in single
    assert "CPU, ms:\n\n- peer: redis 3.00\n- ours: api 2.00, kafka 1.00\n" in shown


def test_a_part_that_cannot_be_measured_says_why() -> None:
    assert "no server here" in table([Measured(part="accepts", error="no server here", machine=MACHINE)])


def test_measuring_a_part_again_replaces_it_and_keeps_the_others(tmp_path: Path) -> None:
    first = [Measured(part=name, seconds=1.0, machine=MACHINE) for name in ("video", "sse")]
    path = tmp_path / "bench.json"
    path.write_bytes(msgspec.json.encode(merge(path, first)))
    merged = merge(path, [Measured(part="sse", seconds=2.0, machine=MACHINE)])
    assert {one.part: one.seconds for one in merged.parts} == {"video": 1.0, "sse": 2.0}


def test_what_is_kept_of_a_part_is_there_for_the_next_one_and_says_that_it_was_cut_off(tmp_path: Path) -> None:
    figures = [Figure(name="growth", unit="MB", runs=[7.0], limit=50, better="less")]
    store(tmp_path, Measured(part="memory", figures=figures, partial=True, machine=MACHINE))
    store(tmp_path, Measured(part="sse", machine=MACHINE))
    kept = msgspec.json.decode((tmp_path / "bench.json").read_bytes(), type=Results).parts
    assert [(one.part, one.partial) for one in kept] == [("memory", True), ("sse", False)]
    assert "cut off" in table(kept[:1])
    assert "7.00 MB" in table(kept[:1])
    assert (tmp_path / "memory.json").exists()
