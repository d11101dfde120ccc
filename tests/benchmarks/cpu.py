"""CPU time of process trees."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

Times = dict[str, float]
"""Seconds of CPU time, user and system, by name of the process that is the root of a tree."""


def cpu_times(roots: Mapping[str, int]) -> Times:
    """What every tree has used so far; of processes that ended, what their parents were told."""
    return {name: _tree(pid) for name, pid in roots.items()}


def used(before: Times, after: Times) -> Times:
    """The difference, by name."""
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _tree(pid: int) -> float:
    total = 0.0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
