"""A short run of the fault harness: real processes die, at chosen points too, and no invariant breaks."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.faults.harness.audit import NAMES

ROOT = Path(__file__).parents[2]
SEED, KILLS = 201, 15
PATIENCE_S = 400  # about 60 s are needed on an idle machine


@pytest.mark.timeout(PATIENCE_S + 60)
async def test_fifteen_kills_and_other_faults_break_nothing(tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    command = ("-m", "tests.faults", "--seed", str(SEED), "--kills", str(KILLS), "--json", str(written))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, output.decode()
    report = json.loads(written.read_bytes())
    assert report["violations"] == []
    assert report["kills"] == KILLS
    assert report["faults"]["crash-point"] >= 4
    assert report["faults"]["kill"] >= 4
    assert {name for name in NAMES if report["checked"].get(name, 0) > 0} == set(NAMES)
    assert report["figures"]["tasks"]["completed"] > 10
    assert report["figures"]["tasks"].get("open", 0) == 0
