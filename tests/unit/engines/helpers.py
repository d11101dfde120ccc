"""Specs, contexts and drawn faces for engine tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from gpu_agents.engines.base import RenderContext
from schemas.specs import ShotSpec


def shot(**changes: Any) -> ShotSpec:
    values: dict[str, Any] = {"prompt": "mountain", "width": 512, "height": 512, "seed": 7}
    return ShotSpec(**{**values, **changes})


def context(folder: Path, inputs: Mapping[str, Path] | None = None, **callbacks: Any) -> RenderContext:
    folder.mkdir(parents=True, exist_ok=True)
    return RenderContext(folder, inputs or {}, **callbacks)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(np.float32)


def drawn_face(person: int, size: int = 400, backdrop: tuple[int, int, int] = (120, 150, 170)) -> Image.Image:
    """A head and shoulders; `person` chooses proportions, hair and colours."""
    chance = np.random.default_rng(person)
    picture = Image.new("RGB", (400, 400), backdrop)
    draw = ImageDraw.Draw(picture)
    skin = tuple(int(v) for v in chance.integers((170, 110, 80), (250, 200, 170)))
    hair = tuple(int(v) for v in chance.integers(15, 130, 3))
    cloth = tuple(int(v) for v in chance.integers(30, 220, 3))
    wide, tall = int(chance.integers(68, 100)), int(chance.integers(95, 128))
    draw.polygon([(40, 400), (90, 310), (200, 285), (310, 310), (360, 400)], fill=cloth)
    draw.ellipse((200 - wide - 18, 165 - tall - 20, 200 + wide + 18, 180 + tall * 0.6), fill=hair)
    draw.ellipse((200 - wide, 180 - tall, 200 + wide, 180 + tall), fill=skin)
    fringe = int(chance.integers(10, 70))
    draw.pieslice((200 - wide - 8, 170 - tall - 10, 200 + wide + 8, 170 - tall + 2 * fringe + 60), 180, 360, fill=hair)
    gap, eye, row = int(chance.integers(28, 48)), int(chance.integers(8, 17)), int(chance.integers(150, 176))
    for x in (200 - gap, 200 + gap):
        draw.ellipse((x - eye, row - eye // 2, x + eye, row + eye // 2), fill="white")
        draw.ellipse((x - 5, row - 5, x + 5, row + 5), fill=(30, 20, 20))
        draw.line(
            (x - eye, row - 20, x + eye, row - 20 + int(chance.integers(-7, 8))),
            fill=hair,
            width=int(chance.integers(3, 10)),
        )
    nose, mouth = int(chance.integers(8, 24)), int(chance.integers(18, 42))
    draw.polygon(
        [(200, row + 10), (200 - nose, row + 52), (200 + nose, row + 52)], fill=tuple(int(v * 0.85) for v in skin)
    )
    draw.ellipse((200 - mouth, 238, 200 + mouth, 238 + int(chance.integers(7, 22))), fill=(170, 60, 60))
    return picture.resize((size, size), Image.Resampling.LANCZOS)
