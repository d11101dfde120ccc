"""The product's processes, wherever the stack is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.local.apps import app_specs
from infra.local.paths import StackPaths
from infra.settings import Settings


@pytest.mark.parametrize("package", ["gpu_agents", "queue"])
def test_a_folder_where_the_stack_is_started_is_not_taken_for_ours(tmp_path: Path, package: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise SystemExit('not ours')")
    [spec] = app_specs(Settings(), StackPaths(tmp_path), (), 1, ())
    command = [*spec.argv[: spec.argv.index("--device")], "--help"]
    environment = {**os.environ, **spec.env}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Serve one device." in done.stdout
