"""The cut-out portrait: no backdrop shows between hair and neck, and the person stays whole."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from gpu_agents.engines.descriptor.encoder import DescriptorEncoder
from gpu_agents.faces import backdrop, photos
from gpu_agents.faces.cutout import cut_out
from infra.samples.portraits import draw


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> npt.NDArray[Any]:
    path = draw("lin_xia", tmp_path_factory.mktemp("portraits"))[0]
    return photos.read_photo("key", {"key": path})


def cut(photo: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return cut_out(photo, DescriptorEncoder().reference(photos.bgr(photo)))


def backdrop_share(cutout: npt.NDArray[Any], colour: npt.NDArray[Any]) -> float:
    """Share of visible pixels in the upper 60 % that show the backdrop's colour."""
    upper = cutout[: cutout.shape[0] * 6 // 10].astype(int)
    same = np.abs(upper[..., :3] - colour[:3].astype(int)).max(axis=2) < 12
    return float((same & (upper[..., 3] > 60)).mean())


def test_no_plain_backdrop_is_left_between_hair_and_neck(photo: npt.NDArray[Any]) -> None:
    cutout = cut(photo)
    assert backdrop_share(cutout, photo[5, 5]) < 0.001
    opaque = (cutout[..., 3] > 200).mean()
    assert 0.35 < opaque < 0.8


def test_the_same_photo_gives_the_same_cut_out(photo: npt.NDArray[Any]) -> None:
    first, again = io.BytesIO(), io.BytesIO()
    for file in (first, again):
        Image.fromarray(cut(photo)).save(file, "PNG")
    assert first.getvalue() == again.getvalue()


def test_eyes_and_clothes_of_the_backdrops_colour_stay() -> None:
    rgb = np.full((400, 300, 3), 240, np.uint8)
    rgb[80:400, 90:210] = (150, 90, 70)
    rgb[150:190, 130:170] = 240  # inside the face
    rgb[340:400, 100:200] = 240  # a shirt
    alpha = np.zeros((400, 300), np.uint8)
    alpha[80:, 90:210] = 255
    _, shown = backdrop.key_out(rgb, alpha, (100.0, 100.0, 100.0, 140.0))
    assert shown[170, 150] == 255
    assert shown[380, 150] == 255
    assert shown[60, 40] == 0


def test_a_lively_backdrop_is_left_to_the_segmentation() -> None:
    rgb = np.random.default_rng(3).integers(0, 255, (200, 160, 3), dtype=np.uint8)
    alpha = np.full((200, 160), 200, np.uint8)
    colours, shown = backdrop.key_out(rgb, alpha, (50.0, 40.0, 60.0, 80.0))
    assert (colours == rgb).all()
    assert (shown == alpha).all()
