"""The edge with empty ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.api.support import Edge


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return Edge(tmp_path)
