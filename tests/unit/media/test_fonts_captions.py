from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpu_agents.media.captions import draw_subtitle, draw_title, subtitle_measure
from gpu_agents.media.fonts import cjk_font, load_font
from gpu_agents.media.frames import Planes, to_rgb
from gpu_agents.media.subtitles import make_cues
from schemas.errors import ConfigurationError


def test_the_font_has_chinese_glyphs() -> None:
    font = load_font(40)
    shapes = {bytes(font.getmask(character)) for character in "中文字幕雨夜"}
    assert len(shapes) == 6  # a font without them draws the same box for each


def test_a_configured_font_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cjk_font()
    monkeypatch.setenv("STORYREEL_FONT", str(found))
    assert cjk_font() == found


def test_a_wrong_configured_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STORYREEL_FONT", str(tmp_path / "missing.ttf"))
    with pytest.raises(ConfigurationError, match=r"STORYREEL_FONT.*missing\.ttf"):
        cjk_font()


@pytest.mark.parametrize("text", ["雨夜的上海，霓虹灯在积水里闪烁。", "The rain would not stop that night."])
def test_a_subtitle_stays_in_its_box_at_the_foot(text: str) -> None:
    width, height = 640, 384
    measure, limit = subtitle_measure(width, height)
    cue = make_cues(text, "", 0, 2, measure, limit)[0]
    frame = Planes(width, height).fill_black()
    overlay = draw_subtitle(cue, "zh", width, height)
    overlay.blend(frame)
    picture = to_rgb(frame).max(axis=2)
    box = (slice(overlay.top, overlay.top + overlay.height), slice(overlay.left, overlay.left + overlay.width))
    bright = np.zeros_like(picture, bool)
    bright[box] = picture[box] > 200
    assert bright.sum() > 300
    picture[box] = 0
    assert picture.max() < 8
    assert overlay.top > height * 0.75
    assert overlay.top + overlay.height <= height


def test_strength_scales_the_opacity() -> None:
    frames = []
    for strength in (0.0, 0.5, 1.0):
        frame = Planes(640, 384).fill_black()
        draw_title("雨夜", "zh", 640, 384).blend(frame, strength)
        frames.append(int(frame.y.max()))
    assert frames[0] == 16
    assert frames[0] < frames[1] < frames[2]
    assert frames[2] > 225


def test_a_very_long_title_stays_inside() -> None:
    overlay = draw_title("A very long title " * 20, "en", 640, 384)
    assert overlay.width <= 640
    assert overlay.top + overlay.height <= 384
