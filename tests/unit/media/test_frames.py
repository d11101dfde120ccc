from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu_agents.media.frames import Planes, cover, crop_centre, mix, read_picture, to_planes, to_rgb
from gpu_agents.media.sniff import sniff
from schemas.errors import RenderError
from tests.unit.media.helpers import write_still, write_tone

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@given(COLOURS)
def test_colours_survive_the_conversion(colour: tuple[int, int, int]) -> None:
    picture = np.full((16, 16, 3), colour, np.uint8)
    assert np.abs(to_rgb(to_planes(picture)).astype(int) - picture).max() <= 4


def test_the_planes_are_bt709_limited_range() -> None:
    white = to_planes(np.full((4, 4, 3), 255, np.uint8))
    red = to_planes(np.full((4, 4, 3), (255, 0, 0), np.uint8))
    assert (int(white.y[0, 0]), int(white.u[0, 0]), int(white.v[0, 0])) == (235, 128, 128)
    assert (int(red.y[0, 0]), int(red.u[0, 0]), int(red.v[0, 0])) == (63, 102, 240)


@given(st.integers(2, 90), st.integers(2, 90), st.integers(1, 40), st.integers(1, 40))
def test_cover_leaves_no_gap_and_keeps_the_shape(width: int, height: int, half_w: int, half_h: int) -> None:
    target = (2 * half_w, 2 * half_h)
    scaled = cover(np.zeros((height, width, 3), np.uint8), *target)
    assert scaled.shape[1] >= target[0]
    assert scaled.shape[0] >= target[1]
    assert scaled.shape[1] == target[0] or scaled.shape[0] == target[1]
    assert crop_centre(scaled, *target).shape[:2] == target[::-1]


def test_mix_is_halfway() -> None:
    dark, light, out = Planes(8, 8).fill_black(), Planes(8, 8).fill_black(), Planes(8, 8)
    light.y.fill(216)
    mix(dark, light, 0.5, out)
    assert (out.y == 116).all()


def test_a_turned_photo_is_turned_back_and_transparency_lies_over_black(tmp_path: Path) -> None:
    photo = Image.new("RGB", (40, 20), (200, 0, 0))
    tags = photo.getexif()
    tags[0x0112] = 6
    photo.save(tmp_path / "turned.jpg", exif=tags)
    assert read_picture(tmp_path / "turned.jpg").shape == (40, 20, 3)
    Image.new("RGBA", (4, 4), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").max() == 0


def test_a_broken_picture_is_refused_by_name(tmp_path: Path) -> None:
    path = write_still(tmp_path / "still.png", (90, 90, 90))
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(RenderError, match=r"still\.png"):
        read_picture(path)


def test_files_are_known_by_their_bytes(tmp_path: Path) -> None:
    assert sniff(write_still(tmp_path / "a.mp4.png", (1, 2, 3))) == "picture"
    assert sniff(write_tone(tmp_path / "b.wav", 0.1)) == "sound"
    playlist = tmp_path / "c.mp4"
    playlist.write_text("#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(RenderError, match=r"c\.mp4"):
        sniff(playlist)
    with pytest.raises(RenderError, match=r"missing"):
        sniff(tmp_path / "missing")


def test_chroma_sits_where_players_expect_it() -> None:
    """A red edge must not move sideways between the luma and the chroma planes."""
    picture = np.zeros((8, 64, 3), np.uint8)
    picture[:, 32:] = (255, 0, 0)
    planes = to_planes(picture)
    wide = cv2.resize(planes.v[:1].astype(np.float32), (64, 1), interpolation=cv2.INTER_LINEAR)[0]
    assert int(planes.v[0, 15]) == 128
    assert 128 < int(planes.v[0, 16]) <= 240
    assert wide[40] == 240
