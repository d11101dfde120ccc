"""The schema registry when it is away."""

from __future__ import annotations

from pathlib import Path

import pytest
import stamina

from infra.local import ports
from infra.registry import cache_path, load_codec
from infra.settings import Settings
from schemas.errors import InfrastructureError


async def test_a_registry_that_is_away_is_an_infrastructure_error(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, registry_url=f"http://127.0.0.1:{ports.choose()}/apis/ccompat/v7")
    stamina.set_testing(True, attempts=1)
    try:
        with pytest.raises(InfrastructureError, match="is away"):
            await load_codec(settings)
    finally:
        stamina.set_testing(False)
    assert not cache_path(settings).exists()


async def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, registry_url=f"http://127.0.0.1:{ports.choose()}/apis/ccompat/v7")
    cache_path(settings).write_text('{"TaskQueued": {"id": ')
    stamina.set_testing(True, attempts=1)
    try:
        with pytest.raises(InfrastructureError):
            await load_codec(settings)
    finally:
        stamina.set_testing(False)
