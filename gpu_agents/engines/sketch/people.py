"""Puts people into the frame: named characters with or without a portrait, silhouettes for people the prompt mentions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from gpu_agents.engines.sketch import finish, held, portrait
from gpu_agents.engines.sketch.figure import HEIGHT, draw_figure
from gpu_agents.engines.sketch.look import look_of
from gpu_agents.engines.sketch.props import held_objects
from gpu_agents.engines.sketch.solids import contact_shadow
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Pixels
from schemas.errors import RenderError
from schemas.specs import CharacterRef

Float = npt.NDArray[Any]


def positions(stage: Stage, count: int) -> list[tuple[float, float]]:
    """(x, z) in metres of the main people: the first on the third of the picture, the next ones beside it."""
    view = stage.view
    x = (view.figure_x - view.width / 2) / view.scale(view.figure_depth)
    gap = max(0.62, 0.16 * view.figure_depth)
    if count > 1 and view.figure_depth < 2.2:
        x = 0.27 * view.side * count
    return [(x - view.side * gap * k * (1.0 + 0.15 * (k % 2)), view.figure_depth * (1 + 0.1 * k)) for k in range(count)]


def ground_shadows(stage: Stage, count: int) -> None:
    """Contact shadows of the main people, on the middle layer under them."""
    for x, z in positions(stage, count):
        contact_shadow(stage, stage.middle, x, z, 0.95, 0.6)


def draw_crowd(stage: Stage) -> None:
    """Silhouettes for people without a name: a pair, one person, or a group that walks further back."""
    people, view = stage.brief.people, stage.view
    rng = stage.rng("people")
    if people > 2:
        spots = sorted(
            ((rng.uniform(1.2, 2.6) * view.figure_depth, rng.uniform(-0.42, 0.42)) for _ in range(people)), reverse=True
        )
        for z, share in spots:
            x, y = view.at(share * view.width / view.scale(z), 0, z)
            contact_shadow(stage, stage.middle, share * view.width / view.scale(z), z, 0.9, 0.5)
            draw_figure(
                stage,
                stage.middle,
                (x, y),
                view.scale(z),
                look_of(stage.brief.text, rng, stage.brief.place),
                stage.depth(z),
                away=rng.random() < 0.55,
            )


def draw_people(stage: Stage, picture: Float, characters: list[CharacterRef], inputs: Mapping[str, Path]) -> None:
    """Blend the main people over the picture, the farthest first. Raises `RenderError` when a portrait's file is missing."""
    view = stage.view
    nameless = stage.brief.people if not characters and stage.brief.people <= 2 else 0
    spots = positions(stage, len(characters) or nameless)
    for number, (x, z) in reversed(list(enumerate(spots))):
        character = characters[number] if characters else None
        _draw_one(stage, picture, view.at(x, 0, z), view.scale(z), character, inputs, number)


def _draw_one(
    stage: Stage,
    picture: Float,
    foot: tuple[float, float],
    scale: float,
    character: CharacterRef | None,
    inputs: Mapping[str, Path],
    number: int,
) -> None:
    canvas = Canvas(stage.view.width, stage.view.height)
    name = character.name if character else f"person{number}"
    words = f"{character.name} {character.description}" if character else stage.brief.text
    look = look_of(words, stage.rng(f"look-{name}"), " ".join((stage.brief.place, *stage.brief.structures)))
    cutout = _cutout(character, inputs)
    side = 1.0 if stage.sun is not None and stage.sun[0] > foot[0] else -1.0
    if cutout is None:
        distant = character is None and stage.view.figure_depth > 3.5
        _carry(stage, canvas, foot, scale * look.size, number, before=True)
        draw_figure(stage, canvas, foot, scale, look, 0.02, away=distant)
        _carry(stage, canvas, foot, scale * look.size, number, before=False)
        _blend_body(stage, picture, canvas.raster(), side)
        return
    tall = portrait.cutout_metres(cutout)
    if not portrait.is_full_figure(cutout):
        dressed = replace(look, clothes=portrait.clothes_colour(cutout), size=1.0)
        _carry(stage, canvas, foot, scale, number, before=True)
        fit = portrait.bottom_width(cutout) * tall / 0.5
        draw_figure(stage, canvas, foot, scale, dressed, 0.02, head=False, away=True, stretch=min(1.25, max(0.7, fit)))
        _carry(stage, canvas, foot, scale, number, before=False)
        body = canvas.raster().copy()
        _cut_above(body, foot[1] - (HEIGHT - tall * 0.81) * scale, 0.03 * scale)
        _blend_body(stage, picture, body, side)
    portrait.place(picture, cutout, (foot[0], foot[1] - HEIGHT * scale), tall * scale, stage.pal, side)


def _blend_body(stage: Stage, picture: Float, layer: Pixels, side: float) -> None:
    """Blend a drawn body and light its edge; works on its bounding rows and columns only."""
    rows, columns = np.flatnonzero(layer[..., 3].any(axis=1)), np.flatnonzero(layer[..., 3].any(axis=0))
    if rows.size == 0:
        return
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    finish.over(picture[part], layer[part])
    alpha = layer[part][..., 3].astype(np.float32) / 255
    picture[part] += portrait.rim_light(alpha, stage.pal, side, 0.006)


def _cut_above(layer: Pixels, row: float, soft: float) -> None:
    """Fade the layer out above `row`, where the portrait takes over."""
    rows = np.arange(layer.shape[0], dtype=np.float32)
    keep = np.clip((rows - row) / max(1.0, soft), 0, 1)
    layer[..., 3] = (layer[..., 3] * keep[:, None]).astype(np.uint8)


def _carry(stage: Stage, canvas: Canvas, foot: tuple[float, float], scale: float, number: int, before: bool) -> None:
    objects = held_objects(stage) if number == 0 else ()
    if before and "umbrella" in objects:
        held.umbrella(stage, canvas, foot, scale)
    if not before and "sword" in objects:
        held.sword(stage, canvas, foot, scale)


def _cutout(character: CharacterRef | None, inputs: Mapping[str, Path]) -> Pixels | None:
    if character is None or not character.portrait_key:
        return None
    if character.portrait_key not in inputs:
        raise RenderError(
            f"the portrait of {character.name!r} ({character.portrait_key}) was not handed over", code="missing_input"
        )
    return portrait.load_cutout(inputs[character.portrait_key])
