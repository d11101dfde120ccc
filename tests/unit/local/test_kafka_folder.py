"""A broker whose data lies in a folder with letters that mean something else, or nothing, to Java's property files."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.bundles import load_bundle
from infra.local.jars import class_path, ensure
from infra.local.java import find_java
from infra.local.kafka import KafkaBroker
from infra.local.paths import cache_dir


async def test_the_log_is_made_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    monkeypatch.delenv("LC_ALL", raising=False)
    home = tmp_path / "数据 von Ödön, 🎬" / "kafka"
    home.mkdir(parents=True)
    broker = KafkaBroker(home, find_java(), class_path(ensure(load_bundle("kafka"), cache_dir())), 21000, 21001)
    await broker.prepare()
    assert broker.formatted
    assert [path.name for path in tmp_path.iterdir()] == ["数据 von Ödön, 🎬"]
