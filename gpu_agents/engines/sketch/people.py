"""Puts people into the frame: named characters with or without a portrait, silhouettes for people the prompt mentions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from gpu_agents.engines.sketch import finish, portrait
from gpu_agents.engines.sketch.figure import HEIGHT, draw_figure, look_of
from gpu_agents.engines.sketch.solids import contact_shadow
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Pixels
from schemas.errors import RenderError
from schemas.specs import CharacterRef

Float = npt.NDArray[np.float32]


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
        spots = sorted(((rng.uniform(1.2, 2.6) * view.figure_depth, rng.uniform(-0.42, 0.42)) for _ in range(people)), reverse=True)
        for z, share in spots:
            x, y = view.at(share * view.width / view.scale(z), 0, z)
            contact_shadow(stage, stage.middle, share * view.width / view.scale(z), z, 0.9, 0.5)
            draw_figure(stage, stage.middle, (x, y), view.scale(z), look_of(stage.brief.text, rng, stage.brief.place), stage.depth(z), away=rng.random() < 0.55)


def draw_people(stage: Stage, picture: Float, characters: list[CharacterRef], inputs: Mapping[str, Path]) -> None:
    """Blend the main people over the picture, the farthest first. Raises `RenderError` when a portrait's file is missing."""
    view = stage.view
    nameless = stage.brief.people if not characters and stage.brief.people <= 2 else 0
    spots = positions(stage, len(characters) or nameless)
    for number, (x, z) in reversed(list(enumerate(spots))):
        character = characters[number] if characters else None
        _draw_one(stage, picture, view.at(x, 0, z), view.scale(z), character, inputs, number)


def _draw_one(stage: Stage, picture: Float, foot: tuple[float, float], scale: float, character: CharacterRef | None,
              inputs: Mapping[str, Path], number: int) -> None:  # fmt: skip
    canvas = Canvas(stage.view.width, stage.view.height)
    name = character.name if character else f"person{number}"
    words = f"{character.name} {character.description}" if character else stage.brief.text
    look = look_of(words, stage.rng(f"look-{name}"), " ".join((stage.brief.place, *stage.brief.structures)))
    cutout = _cutout(character, inputs)
    if cutout is None:
        distant = character is None and stage.view.figure_depth > 3.5
        draw_figure(stage, canvas, foot, scale, look, 0.02, away=distant)
        finish.over(picture, canvas.raster())
        return
    side = 1.0 if stage.sun is not None and stage.sun[0] > foot[0] else -1.0
    tall = portrait.cutout_metres(cutout)
    if not portrait.is_full_figure(cutout):
        dressed = replace(look, clothes=portrait.clothes_colour(cutout), size=1.0)
        draw_figure(stage, canvas, foot, scale, dressed, 0.02, head=False)
        finish.over(picture, canvas.raster())
    portrait.place(picture, cutout, (foot[0], foot[1] - HEIGHT * scale), tall * scale, stage.pal, side)


def _cutout(character: CharacterRef | None, inputs: Mapping[str, Path]) -> Pixels | None:
    if character is None or not character.portrait_key:
        return None
    if character.portrait_key not in inputs:
        raise RenderError(f"the portrait of {character.name!r} ({character.portrait_key}) was not handed over", code="missing_input")
    return portrait.load_cutout(inputs[character.portrait_key])
