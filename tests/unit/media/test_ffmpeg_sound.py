from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.media.ffmpeg import FFmpeg, run_ffmpeg, write_metadata
from gpu_agents.media.probe import probe
from gpu_agents.media.sound import SAMPLE_RATE, SoundReader, deliver, measure, soft_limit
from schemas.errors import RenderCancelledError, RenderError
from tests.unit.media.helpers import write_still, write_tone

ENDLESS = ["-re", "-f", "lavfi", "-i", "sine", "-f", "null", "-"]


def ffmpeg_children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


def test_ffmpegs_own_words_reach_the_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"(?s)status.*No such file"):
        run_ffmpeg(["-i", str(tmp_path / "missing.wav"), str(tmp_path / "out.mp3")])


def test_a_check_that_raises_ends_ffmpeg() -> None:
    def check() -> None:
        raise RenderCancelledError("stop")

    with pytest.raises(RenderCancelledError):
        run_ffmpeg(ENDLESS, check)
    assert ffmpeg_children() == []


def test_leaving_by_an_exception_ends_ffmpeg() -> None:
    with pytest.raises(KeyError), FFmpeg(ENDLESS):
        raise KeyError
    assert ffmpeg_children() == []


def test_tags_with_special_characters_arrive(tmp_path: Path) -> None:
    title = "a=b; #c \\ “雨夜”"
    tags = write_metadata(tmp_path / "tags.txt", {"title": title, "comment": ""})
    tone = write_tone(tmp_path / "tone.wav", 0.2)
    run_ffmpeg(["-i", str(tone), "-i", str(tags), "-map_metadata", "1", "-c:a", "aac", str(tmp_path / "out.m4a")])
    assert probe(tmp_path / "out.m4a").metadata["title"] == title


def test_reading_in_pieces_gives_the_whole(tmp_path: Path) -> None:
    reader = SoundReader(write_tone(tmp_path / "tone.wav", 0.5))
    pieces = [reader.read(7000) for _ in range(5)]
    assert sum(map(len, pieces)) == SAMPLE_RATE // 2
    assert reader.exhausted
    assert np.concatenate(pieces).shape[1] == 2


def test_levels(tmp_path: Path) -> None:
    level = measure(write_tone(tmp_path / "tone.wav", 1.0, amplitude=0.5))
    assert level.samples == SAMPLE_RATE
    assert level.peak == pytest.approx(0.5, abs=0.01)
    assert level.rms == pytest.approx(0.5 / 2**0.5, rel=0.02)


def test_mp3_takes_the_place_of_the_wave(tmp_path: Path) -> None:
    path = deliver(write_tone(tmp_path / "tone.wav", 1.0), "mp3")
    info = probe(path)
    assert info.container == "mp3"
    assert info.duration == pytest.approx(1.0, abs=0.08)
    assert not (tmp_path / "tone.wav").exists()


@given(st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=50))
def test_the_limiter_keeps_order_sign_and_ceiling(values: list[float]) -> None:
    block = np.array(sorted(values), np.float32)
    limited = soft_limit(block)
    assert np.abs(limited).max() <= 0.9 + 1e-6
    assert (np.diff(limited) >= -1e-6).all()
    quiet = np.abs(block) <= 0.7
    assert (limited[quiet] == block[quiet]).all()


def test_a_picture_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="picture"):
        measure(write_still(tmp_path / "still.png", (1, 2, 3)))


def test_probe_refuses_text(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(RenderError, match=r"note\.txt"):
        probe(tmp_path / "note.txt")
