"""The product's processes, wherever the stack is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.cli.up import stack_options
from infra.local.apps import APPS, app_specs
from infra.local.paths import StackPaths
from infra.local.process import ProcessSpec
from infra.local.supervisor import levels
from infra.settings import Settings
from schemas.errors import ConfigurationError


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


def test_standbys_have_numbers_and_whoever_needs_the_coordinator_needs_any_of_them(tmp_path: Path) -> None:
    copies = {"coordinator": 2, "read-models": 3, "api": 1}
    specs = {s.name: s for s in app_specs(Settings(), StackPaths(tmp_path), APPS, 1, ("kafka",), copies)}
    assert list(specs) == [
        *("coordinator", "coordinator-2", "read-models", "read-models-2", "read-models-3", "api", "device-0"),
    ]
    assert specs["coordinator-2"].argv == specs["coordinator"].argv
    assert {name for name, spec in specs.items() if spec.provides == "coordinator"} == {"coordinator", "coordinator-2"}
    assert specs["device-0"].needs == ("kafka",)
    assert specs["device-0"].ends_before == ("coordinator", "read-models", "api")
    assert [name for name, spec in specs.items() if not spec.awaited] == [
        *("coordinator-2", "read-models-2", "read-models-3"),
    ]
    assert len({spec.env["STORYREEL_READY_FILE"] for spec in specs.values()}) == len(specs)
    assert levels([ProcessSpec(name="kafka", argv=("x",)), *specs.values()]) == [["kafka"], list(specs)]


def test_fewer_than_one_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="coordinator: 0 processes"):
        app_specs(Settings(), StackPaths(tmp_path), APPS, 1, (), {"coordinator": 0})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"DATABASE_URL": "postgresql://a"}, "postgresql://a"),
        ({"STORYREEL_DATABASE_URL": "postgresql://b"}, "postgresql://b"),
        ({"DATABASE_URL": "postgresql://a", "STORYREEL_DATABASE_URL": "postgresql://b"}, "postgresql://b"),
    ],
)
def test_both_names_of_a_database_of_ones_own_count(environ: dict[str, str], expected: str | None) -> None:
    assert stack_options(None, 0, environ).database_url == expected
