"""How a supervisor knows whose end it has to report."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.lives import LIFE_FILE, Life, LifeFile, read_life
from infra.local import ports
from infra.local.deaths import left, report_end
from infra.registry import cache_path
from infra.settings import Settings
from schemas.serde import fingerprint
from schemas.topics import TOPIC_OF

LIFE = Life(device_id="cpu-0", boot_id="boot-7")
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_the_newest_life_is_read_until_its_end_was_told(tmp_path: Path) -> None:
    path = tmp_path / "device-0.life"
    file = LifeFile({LIFE_FILE: str(path)})
    assert read_life(path) is None
    file.note(Life(device_id="cpu-0", boot_id="boot-6"))
    file.note(LIFE)
    assert read_life(path) == LIFE
    file.forget()
    file.forget()
    assert read_life(path) is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_supervisor_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LifeFile({}).note(LIFE)
    LifeFile({}).forget()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_or_read_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    LifeFile({LIFE_FILE: str(tmp_path / "nowhere" / "life")}).note(LIFE)
    assert "the lease would run out instead" in caplog.text
    (tmp_path / "life").write_text("{")
    assert read_life(tmp_path / "life") is None
    assert "does not tell whose end" in caplog.text


def test_the_same_end_has_the_same_report_whoever_tells_it() -> None:
    assert left(LIFE, NOW).envelope.event_id == left(LIFE, datetime.now(UTC)).envelope.event_id
    assert left(LIFE, NOW).envelope.event_id != left(Life(device_id="cpu-0", boot_id="b"), NOW).envelope.event_id
    assert (left(LIFE, NOW).device_id, left(LIFE, NOW).boot_id) == ("cpu-0", "boot-7")


@pytest.mark.parametrize("known", [False, True], ids=["no schemas", "no broker"])
async def test_an_end_that_cannot_be_reported_is_a_warning_and_the_life_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    path = tmp_path / "life"
    LifeFile({LIFE_FILE: str(path)}).note(LIFE)
    away = Settings(data_dir=tmp_path, kafka=f"127.0.0.1:{ports.choose()}")
    if known:
        ids = {r.__name__: {"id": n, "fingerprint": fingerprint(r).hex()} for n, r in enumerate(TOPIC_OF)}
        cache_path(away).write_text(json.dumps(ids))
    with caplog.at_level(logging.WARNING, "infra.local.deaths"):
        await report_end(away, path)()
    assert "the end of cpu-0 is not reported" in caplog.text
    assert ("KafkaConnectionError" in caplog.text) == known
    assert read_life(path) == LIFE
