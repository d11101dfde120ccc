"""What processes import: the API starts without the libraries that only rendering needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

RENDERING = frozenset(
    {
        *("torch", "diffusers", "transformers", "cv2", "moviepy", "imageio_ffmpeg", "av", "insightface", "onnxruntime"),
        *("numpy", "scipy", "resvg_py", "gpu_agents"),
    }
)
_PROGRAM = """
import json, sys
import {module}
print(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
"""


def imported(module: str) -> set[str]:
    """Packages loaded by an import in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(module=module)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module", ["api.__main__", "streams.coordinator", "streams.read_models.worker", "infra.cli.app"]
)
def test_only_devices_import_what_renders(module: str) -> None:
    assert not imported(module) & RENDERING


def test_the_client_of_the_registry_is_imported_only_by_who_registers() -> None:
    assert "confluent_kafka" not in imported("api.__main__")
