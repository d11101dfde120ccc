"""What parts of the benchmark are given and return."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct, field


class CannotMeasureError(Exception):
    """Something a part needs is missing here; the text says what and how to get it."""


def _tell(line: str) -> None:
    print(line, flush=True)


def _forget(_figures: Sequence[Figure]) -> None:
    """Nobody keeps what was measured so far."""


class Options(Struct, frozen=True, kw_only=True):
    """`runs` of everything that varies; `quick` = smaller loads, to see that it works; `folder` takes files that are left.

    `keep` is told all figures so far, after each run: they are what is left of a part that is killed.
    """

    folder: Path
    runs: int = 3
    quick: bool = False
    profile: bool = False
    say: Callable[[str], None] = _tell
    keep: Callable[[list[Figure]], None] = _forget

    def count(self, whole: int, quick: int) -> int:
        """How much to do."""
        return quick if self.quick else whole


class Figure(Struct, kw_only=True):
    """One thing measured in every run, in `unit`. `limit` bounds the median, or with `of_baseline` median / baseline's.

    `stretch` is a limit that is hoped for. `note` says what the name cannot: sizes, conditions. `shares` are the parts of
    value and baseline, run by run: {"storyreel kafka": [3.1, 3.3]}.
    """

    name: str
    unit: str
    runs: list[float]
    baseline: list[float] = field(default_factory=list)
    limit: float | None = None
    stretch: float | None = None
    better: Literal["more", "less"] = "more"
    of_baseline: bool = False
    note: str = ""
    shares: dict[str, list[float]] = {}

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def ratio(self) -> float | None:
        """Value by baseline, both medians; None without a baseline, or beside one of 0."""
        return self.value / self.baseline_value if self.baseline and self.baseline_value else None

    @property
    def baseline_value(self) -> float:
        """The median of the baseline's runs."""
        return statistics.median(self.baseline)

    @property
    def passed(self) -> bool | None:
        """None if there is nothing to judge."""
        return self.meets(self.limit)

    def meets(self, limit: float | None) -> bool | None:
        """Whether the judged number is on the right side of a limit."""
        judged = self.ratio if self.of_baseline else self.value
        if limit is None or judged is None:
            return None
        return judged >= limit if self.better == "more" else judged <= limit
