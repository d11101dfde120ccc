"""A keystore of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.keystore import SqliteKeystore
from tests.unit.keystore.helpers import KEK


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keystore.db"


@pytest.fixture
def keystore(path: Path) -> Iterator[SqliteKeystore]:
    opened = SqliteKeystore(path, KEK, now=lambda: 1000.0)
    yield opened
    opened.close()
