"""Made face models, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from tests.tiny_models.faces import clip_folder, face_pack
from tests.unit.faces.made import accepting


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_pack(tmp_path_factory.mktemp("packs") / "tiny", "For nothing but tests.")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_folder(tmp_path_factory.mktemp("clip") / "tiny-clip")


@pytest.fixture(scope="session")
def encoder(pack: Path) -> InsightFaceEncoder:
    with pytest.MonkeyPatch.context() as patch:
        accepting(patch, pack)
        made = InsightFaceEncoder()
        made.load()
    return made
