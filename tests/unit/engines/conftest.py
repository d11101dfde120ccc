"""Pictures and sounds that films are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.engines.animatic_helpers import BLUE, GREEN, RED
from tests.unit.media.helpers import write_still, write_tone


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return {
        "red": write_still(folder / "red.png", RED),
        "green": write_still(folder / "green.jpg", GREEN, (900, 900)),
        "blue": write_still(folder / "blue.webp", BLUE, (400, 700)),
        "line": write_tone(folder / "line.wav", 0.8, 700),
        "music": write_tone(folder / "music.wav", 2.5, 110, 0.2),
    }
