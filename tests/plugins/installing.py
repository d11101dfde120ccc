"""Plugins installed as a person installs them: built from their source, put into a folder, nothing fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
GRADIENT = Path(__file__).parent / "gradient"
BROKEN: Mapping[str, str] = {
    "no_library": "import a_library_that_nobody_has",
    "no_python": "this is = no Python",
    "leaves": "import sys\n\nsys.exit(3)",
    "crashes": "import os\n\nos.abort()",
    "unlike": "class Engine:\n    name = 'unlike'",
}
"""Modules of a package none of whose engines can be used: what each of them does when it is imported."""


def install(source: Path, target: Path) -> None:
    """Install the package in `source` into the folder `target`, which has to be put on the path."""
    uv = next((path for path in (ROOT / ".tools/bin/uv", shutil.which("uv")) if path and Path(path).exists()), None)
    assert uv is not None, "uv is missing: make install-dev"
    copy = target.with_name(f"{target.name}-{source.name}")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))  # setuptools builds inside
    options = ["--no-index", "--offline", "--no-cache", "--no-build-isolation", "--no-deps"]
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, *options, "--target", str(target)]
    subprocess.run([*command, str(copy)], check=True, timeout=300)
    shutil.rmtree(copy)


def install_broken(target: Path) -> None:
    """Install `BROKEN` as one package; the engine of the module no_library is called no-library."""
    source = target.with_name("source-of-broken") / "broken"
    source.mkdir(parents=True)
    points = [f'{name.replace("_", "-")} = "storyreel_{name}:Engine"' for name in BROKEN]
    for name, code in BROKEN.items():
        (source / f"storyreel_{name}.py").write_text(f"{code}\n", encoding="utf-8")
    lines = [
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"',
        '[project]\nname = "storyreel-broken"\nversion = "0.3"',
        '[project.entry-points."storyreel.engines"]',
        *points,
        f"[tool.setuptools]\npy-modules = {[f'storyreel_{name}' for name in BROKEN]}",
    ]
    (source / "pyproject.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    install(source, target)


def path_with(folder: Path) -> str:
    """PYTHONPATH with `folder` before what is there already."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
