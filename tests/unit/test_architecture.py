"""The shape of the code: import directions, sizes, docstrings, folders, typing markers."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "gpu_agents", "infra", "projections", "schemas", "streams")
FOLDERS = {*PACKAGES, "tests", ".ci"}
MAX_LINES = 250
TESTS_ONLY = {"pytest", "hypothesis", "tests"}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def ignored(names: list[str]) -> set[str]:
    """Those of the names in the root that git ignores."""
    answer = subprocess.run(
        ["git", "check-ignore", "--", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if answer.returncode not in (0, 1):
        pytest.skip(f"no git repository here: {answer.stderr.strip()}")
    return set(answer.stdout.split())


def modules() -> Iterator[Path]:
    """Every hand-written module of the product."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def undocumented(path: Path, ports: Sequence[frozenset[str]] = ()) -> Iterator[str]:
    """Public names of a module without a docstring.

    Members of private things are private. A class that has all methods of a documented port need not repeat its words,
    nor a protocol those of a property.
    """
    tree = parsed(path)
    if tree.body and ast.get_docstring(tree) is None:
        yield f"{relative(path)}: module"
    yield from _undocumented(tree, relative(path), ports, frozenset())


def _undocumented(
    parent: Documented, where: str, ports: Sequence[frozenset[str]], excused: frozenset[str]
) -> Iterator[str]:
    for node in _public(parent):
        place = f"{where}:{node.name}"
        if ast.get_docstring(node) is None and node.name not in excused:
            yield place
        if isinstance(node, ast.ClassDef):
            inside = _public(node)
            names = {member.name for member in inside}
            spoken_for = frozenset[str]().union(*(port for port in ports if port <= names))
            if is_protocol(node):
                spoken_for |= {member.name for member in inside if "property" in _decorators(member)}
            yield from _undocumented(node, place, ports, spoken_for)


def _public(parent: Documented) -> list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in parent.body if isinstance(node, kinds) and not node.name.startswith("_")]


def _decorators(node: Documented) -> set[str]:
    found = getattr(node, "decorator_list", [])
    return {item.id if isinstance(item, ast.Name) else getattr(item, "attr", "") for item in found}


def is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def documented_ports() -> list[frozenset[str]]:
    """Names of the documented methods of every protocol of the product."""
    found = []
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef) and is_protocol(node):
                found.append(frozenset(member.name for member in _public(node) if ast.get_docstring(member)))
    return [port for port in found if port]


def imported(path: Path) -> set[str]:
    """First parts of the names of what a module imports, late imports included."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_the_checks_look_at_the_whole_product() -> None:
    seen = {relative(path) for path in modules()}
    assert {"schemas/serde.py", "streams/coordinator.py", "api/app.py", "gpu_agents/engines/base.py"} <= seen
    assert len(seen) > 200


def test_imports_go_one_way() -> None:
    """The contracts of pyproject.toml, by import-linter itself."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in answer.stdout


def test_only_renders_import_what_the_gpu_extra_brings() -> None:
    """The API, coordinator, read models, command line, and agents start without torch and work where it is not installed."""
    heavy = ("torch", "diffusers", "transformers", "huggingface_hub", "insightface", "onnxruntime")
    modules_ = "api.app, streams.coordinator, streams.read_models.worker, projections.queries, infra.cli.app"
    agents = "gpu_agents.__main__, gpu_agents.child.main, gpu_agents.models.cli, gpu_agents.engines.diffusion"
    code = f"import sys, {modules_}, {agents}; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_product_imports_no_tests() -> None:
    assert {relative(path): names for path in modules() if (names := imported(path) & TESTS_ONLY)} == {}


def test_modules_are_small() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_public_names_are_documented() -> None:
    ports = documented_ports()
    assert [name for path in modules() for name in undocumented(path, ports)] == []


def test_what_counts_as_undocumented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    sample = tmp_path / "sample.py"
    sample.write_text(
        "def public(): ...\n"
        "def _private(): ...\n"
        "class Thing:\n    def method(self): ...\n    def _hidden(self): ...\n"
        'class Runner:\n    """A runner."""\n    def run(self): ...\n    def stop(self): ...\n    def rest(self): ...\n'
        'def good():\n    """Say why."""\n    def inner(): ...\n'
    )
    assert list(undocumented(sample, [frozenset({"run", "stop"}), frozenset({"fly"})])) == [
        "sample.py: module",
        "sample.py:public",
        "sample.py:Thing",
        "sample.py:Thing:method",
        "sample.py:Runner:rest",
    ]


def test_the_root_has_the_agreed_folders_only() -> None:
    names = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name != ".git"]
    assert set(names) - ignored(names) == FOLDERS


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed_and_complete(package: str) -> None:
    folder = ROOT / package
    assert (folder / "py.typed").is_file()
    inits = {path.parent for path in folder.rglob("__init__.py")}
    runnable_scripts = {folder / "docs" / "examples"}
    assert {
        relative(path.parent) for path in folder.rglob("*.py") if path.parent not in inits | runnable_scripts
    } == set()


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert {relative(folder) for folder in folders if not (folder / "__init__.py").is_file()} == set()


def test_no_file_names_this_machine() -> None:
    """Paths of one machine help nobody else."""
    places = tuple(f"/{name}/" for name in ("work", "home", "Users"))
    found = [relative(path) for path in modules() if any(f'"{place}' in path.read_text() for place in places)]
    assert found == []
