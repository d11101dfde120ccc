"""Landmarks that stand in a landscape: temple, castle, palace, bridge, lighthouse, gate, ruins, hut."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.places.buildings import RED, TILE, cottage, lantern, pagoda
from gpu_agents.engines.sketch.solids import soft_ellipse, upswept_roof
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

STONE = rgb("#9a968e")


def draw_structures(stage: Stage) -> None:
    """Every landmark of the brief, beside the figure; over water on the far shore, so that it is mirrored."""
    for number, name in enumerate(stage.brief.structures):
        STRUCTURES[name](stage, number)


def _spot(stage: Stage, number: int, z: float, spread: float = 0.2) -> tuple[Canvas, Point, float, float]:
    """Layer, foot, pixels a metre and aerial depth of the landmark `number`."""
    view = stage.view
    side = -view.side if number == 0 else view.side
    x = view.width * (0.5 + side * spread * (1.0 if number == 0 else 1.5))
    z = max(z, view.figure_depth * 2.2)
    if stage.water is not None:
        return stage.back, (x, view.horizon + 2), view.far / z * 1.05, 0.42
    return stage.middle, (x, view.at(0, 0, z)[1]), min(view.scale(z), view.far * 1.5 / z), stage.depth(z) * 0.8


def _footing(stage: Stage, canvas: Canvas, foot: Point, width: float) -> None:
    if stage.water is None:
        soft_ellipse(canvas, foot[0], foot[1], width * 0.6, width * 0.06, times(stage.pal.shadow, 0.3), 0.5)


def temple(stage: Stage, number: int) -> None:
    """A pagoda beside a hall on a terrace."""
    canvas, foot, scale, depth = _spot(stage, number, 34)
    _footing(stage, canvas, foot, 16 * scale)
    canvas.rect(foot[0] - 8.5 * scale, foot[1] - 1.2 * scale, 17 * scale, 1.3 * scale, stage.pal.tone(STONE, depth, 0.6))
    pagoda(stage, canvas, (foot[0] + stage.view.side * -4.5 * scale, foot[1] - 1.2 * scale), 17 * scale, depth)
    _hall(stage, canvas, (foot[0] + stage.view.side * 3.2 * scale, foot[1] - 1.2 * scale), 9 * scale, 5.2 * scale, depth)


def _hall(stage: Stage, canvas: Canvas, foot: Point, width: float, height: float, depth: float) -> None:
    pal = stage.pal
    x, y = foot
    canvas.rect(x - width / 2, y - height * 0.55, width, height * 0.55, canvas.linear((x - width / 2, 0), (x + width / 2, 0), [
        (0.0, pal.tone(RED, depth, 0.6), 1.0), (1.0, pal.tone(RED, depth, 0.2), 1.0)]))  # fmt: skip
    for k in range(6):
        px = x - width * 0.46 + width * 0.92 * k / 5
        canvas.rect(px - width * 0.016, y - height * 0.55, width * 0.032, height * 0.55, pal.tone(times(RED, 1.25), depth, 0.8))
        if k < 5 and k % 2 == 0:
            glow = pal.glow() if pal.lamps > 0.2 else pal.tone(rgb("#3f2620"), depth, 0.3)
            canvas.rect(px + width * 0.04, y - height * 0.44, width * 0.1, height * 0.42, glow)
    upswept_roof(canvas, x, y - height * 0.5, width * 1.35, height * 0.5, pal.tone(TILE, depth, 0.75), pal.tone(times(TILE, 0.6), depth, 0.3))
    stage.lamp(x, y - height * 0.25, height * 0.8)


def palace(stage: Stage, number: int) -> None:
    """Three halls above one another on white terraces with golden roofs."""
    canvas, foot, scale, depth = _spot(stage, number, 44, 0.12)
    pal = stage.pal
    _footing(stage, canvas, foot, 30 * scale)
    gold = rgb("#d6a23e")
    for k in range(3):
        w, y = (30 - 6 * k) * scale, foot[1] - 1.1 * scale * k
        canvas.rect(foot[0] - w / 2, y - 1.1 * scale, w, 1.15 * scale, pal.tone(rgb("#e9e4d8"), depth, 0.85 - 0.15 * k))
        canvas.rect(foot[0] - w * 0.07, y - 1.1 * scale, w * 0.14, 1.15 * scale, pal.tone(rgb("#c9c2b2"), depth, 0.6))
    top = foot[1] - 3.3 * scale
    for dx, w, h in ((-10.5, 6.5, 5.0), (10.5, 6.5, 5.0), (0, 14.0, 7.0)):
        x = foot[0] + dx * scale
        _hall(stage, canvas, (x, top), w * scale, h * scale, depth)
        upswept_roof(canvas, x, top - h * 0.5 * scale, w * 1.35 * scale, h * 0.5 * scale, pal.tone(gold, depth, 0.8), pal.tone(times(gold, 0.6), depth, 0.4))
        if dx == 0:
            canvas.rect(x - w * 0.34 * scale, top - h * 1.22 * scale, w * 0.68 * scale, h * 0.26 * scale, pal.tone(RED, depth, 0.5))
            upswept_roof(canvas, x, top - h * 1.17 * scale, w * 1.02 * scale, h * 0.46 * scale, pal.tone(gold, depth, 0.85), pal.tone(times(gold, 0.6), depth, 0.4))


def castle(stage: Stage, number: int) -> None:
    """Walls, towers with conical roofs and a keep on a rock."""
    canvas, foot, scale, depth = _spot(stage, number, 46)
    pal = stage.pal
    x, y = foot
    rock = [(x - 15 * scale, y), (x - 11 * scale, y - 3.4 * scale), (x - 4 * scale, y - 4.8 * scale), (x + 6 * scale, y - 4.6 * scale), (x + 11 * scale, y - 3 * scale), (x + 16 * scale, y)]
    canvas.polygon(rock, canvas.linear((0, y - 5 * scale), (0, y), [(0.0, pal.tone(rgb("#77757c"), depth, 0.6), 1.0), (1.0, pal.tone(rgb("#77757c"), depth, 0.25), 1.0)]))
    _battlement(stage, canvas, x - 9 * scale, y - 3 * scale, 18 * scale, 4.6 * scale, depth)
    for dx, w, h in ((-9, 3.2, 9.5), (9, 3.2, 8.5), (-3.4, 3.6, 13.0), (3.2, 4.4, 16.5), (0, 2.2, 11)):
        _tower(stage, canvas, x + dx * scale, y - 3.2 * scale, w * scale, h * scale, depth)
    canvas.path(f"M{x - 1.2 * scale:.1f} {y - 3 * scale:.1f}v{-2 * scale:.1f}a{1.2 * scale:.1f} {1.2 * scale:.1f} 0 0 1 {2.4 * scale:.1f} 0v{2 * scale:.1f}z", pal.tone(rgb("#2e2620"), depth, 0.2))


def _battlement(stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float, depth: float) -> None:
    pal = stage.pal
    lit, dark = pal.tone(STONE, depth, 0.7), pal.tone(STONE, depth, 0.3)
    fill = canvas.linear((x, 0), (x + width, 0), [(0.0, lit, 1.0), (1.0, dark, 1.0)])
    canvas.rect(x, y - height, width, height, fill)
    teeth = 13
    for k in range(teeth):
        canvas.rect(x + width * k / teeth, y - height * 1.13, width / teeth * 0.55, height * 0.15, fill)


def _tower(stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float, depth: float) -> None:
    pal = stage.pal
    stops = [(0.0, pal.tone(STONE, depth, 0.85), 1.0), (0.5, pal.tone(STONE, depth, 0.5), 1.0), (1.0, pal.tone(STONE, depth, 0.12), 1.0)]
    canvas.rect(x - width / 2, y - height, width, height, canvas.linear((x - width / 2, 0), (x + width / 2, 0), stops))
    canvas.rect(x - width * 0.58, y - height * 1.02, width * 1.16, height * 0.06, pal.tone(STONE, depth, 0.55))
    canvas.polygon([(x - width * 0.66, y - height * 1.02), (x, y - height * 1.02 - width * 1.5), (x + width * 0.66, y - height * 1.02)], pal.tone(rgb("#5a6d8c"), depth, 0.35))
    canvas.polygon([(x - width * 0.66, y - height * 1.02), (x, y - height * 1.02 - width * 1.5), (x - width * 0.1, y - height * 1.02)], pal.tone(rgb("#5a6d8c"), depth, 0.85))
    for k in (0.35, 0.62, 0.85):
        lit = pal.glow() if pal.lamps > 0.2 else pal.tone(rgb("#2e2c34"), depth, 0.2)
        canvas.rect(x - width * 0.08, y - height * k, width * 0.16, width * 0.36, lit, 1.0, width * 0.07)
        stage.lamp(x, y - height * k + width * 0.18, width * 0.9)


def bridge(stage: Stage, number: int) -> None:
    """An arched stone bridge across the picture, in front of the far shore."""
    view, pal, canvas = stage.view, stage.pal, stage.back if stage.water is not None else stage.middle
    unit = view.far * 0.012
    x = view.width * (0.5 - view.side * 0.14)
    y = view.horizon + (3 if stage.water is not None else view.height * 0.06)
    half, rise = 26 * unit, 9 * unit
    stone = rgb("#b3aa9a")
    deck = f"M{x - half:.1f} {y:.1f}Q{x:.1f} {y - rise * 2:.1f} {x + half:.1f} {y:.1f}"
    arch = 15 * unit
    body = f"{deck}L{x + arch:.1f} {y:.1f}Q{x:.1f} {y - rise * 1.25:.1f} {x - arch:.1f} {y:.1f}Z"
    canvas.path(body, canvas.linear((x - half, 0), (x + half, 0), [(0.0, pal.tone(stone, 0.3, 0.8), 1.0), (1.0, pal.tone(stone, 0.3, 0.25), 1.0)]))
    rail = f"M{x - half:.1f} {y - 2 * unit:.1f}Q{x:.1f} {y - rise * 2 - 2 * unit:.1f} {x + half:.1f} {y - 2 * unit:.1f}"
    canvas.path(rail, None, 1.0, pal.tone(stone, 0.25, 0.95), max(1.2, unit * 0.7))
    canvas.path(deck, None, 1.0, pal.tone(stone, 0.25, 0.9), max(1.2, unit * 0.8))
    for k in range(17):
        t = k / 16
        px = x - half + 2 * half * t
        py = y - rise * 4 * t * (1 - t)
        canvas.rect(px - unit * 0.3, py - 2.4 * unit, unit * 0.6, 2.6 * unit, pal.tone(stone, 0.25, 0.75))


def lighthouse(stage: Stage, number: int) -> None:
    """A banded tower on rocks whose beam sweeps at night."""
    canvas, foot, scale, depth = _spot(stage, number, 38, 0.28)
    pal = stage.pal
    x, y = foot
    canvas.blob([(x - 6 * scale, y + 2), (x - 3 * scale, y - 2.4 * scale), (x + 2.5 * scale, y - 2.8 * scale), (x + 6.5 * scale, y + 2)], pal.tone(rgb("#6d6a70"), depth, 0.35))
    base, tall = y - 2.3 * scale, 13 * scale
    for k in range(5):
        w1, w2 = (1.7 - 0.16 * k) * scale, (1.7 - 0.16 * (k + 1)) * scale
        y1, y2 = base - tall * k / 5, base - tall * (k + 1) / 5
        band = rgb("#c2453a") if k % 2 else rgb("#f0ece2")
        fill = canvas.linear((x - w1, 0), (x + w1, 0), [(0.0, pal.tone(band, depth, 0.95), 1.0), (1.0, pal.tone(band, depth, 0.15), 1.0)])
        canvas.polygon([(x - w1, y1), (x - w2, y2), (x + w2, y2), (x + w1, y1)], fill)
    top = base - tall
    canvas.rect(x - 1.15 * scale, top - 0.25 * scale, 2.3 * scale, 0.3 * scale, pal.tone(rgb("#33363c"), depth, 0.4))
    canvas.rect(x - 0.6 * scale, top - 1.6 * scale, 1.2 * scale, 1.4 * scale, mix(pal.glow(), (1.0, 1.0, 0.9), 0.4))
    canvas.polygon([(x - 0.9 * scale, top - 1.6 * scale), (x, top - 2.7 * scale), (x + 0.9 * scale, top - 1.6 * scale)], pal.tone(rgb("#a53c30"), depth, 0.5))
    if pal.lamps > 0.5:
        cy = top - 0.9 * scale
        for side in (-1, 1):
            end = x + side * stage.view.width * 0.6
            beam = canvas.linear((x, 0), (end, 0), [(0.0, pal.glow(), 0.65), (1.0, pal.glow(), 0.0)])
            canvas.polygon([(x, cy - 2), (end, cy - 4.5 * scale), (end, cy + 2.0 * scale), (x, cy + 2)], beam)
        stage.lamp(x, cy, 5 * scale)


def gate(stage: Stage, number: int) -> None:
    """A red wooden gate over the way, two lanterns under its beam."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    z = max(8.0, view.figure_depth * 1.8)
    x, y = view.at(-view.side * 0.6, 0, z)
    scale, depth = view.scale(z), stage.depth(z)
    for side in (-1, 1):
        fill = canvas.linear((x + side * 2.2 * scale, 0), (x + side * 2.2 * scale + 0.4 * scale, 0), [(0.0, pal.tone(RED, depth, 0.9), 1.0), (1.0, pal.tone(RED, depth, 0.2), 1.0)])
        canvas.rect(x + side * 2.2 * scale - 0.2 * scale, y - 4.6 * scale, 0.4 * scale, 4.6 * scale, fill)
        canvas.rect(x + side * 2.2 * scale - 0.3 * scale, y - 0.4 * scale, 0.6 * scale, 0.42 * scale, pal.tone(STONE, depth, 0.5))
    canvas.rect(x - 2.9 * scale, y - 4.0 * scale, 5.8 * scale, 0.32 * scale, pal.tone(RED, depth, 0.55))
    upswept_roof(canvas, x, y - 4.5 * scale, 7.4 * scale, 0.85 * scale, pal.tone(TILE, depth, 0.7), pal.tone(times(TILE, 0.6), depth, 0.3))
    for side in (-1, 1):
        lantern(stage, canvas, (x + side * 1.3 * scale, y - 3.7 * scale), 0.5 * scale)


def ruins(stage: Stage, number: int) -> None:
    """Broken columns and a fallen lintel."""
    view, pal, canvas, rng = stage.view, stage.pal, stage.middle, stage.rng("ruins")
    marble: RGB = rgb("#cfc6b4")
    for k in range(9):
        z = max(view.figure_depth * 1.5, 24 - 2.2 * k)
        x = (-1 if k % 2 else 1) * rng.uniform(2.6, 6.5) * (z / 12)
        px, py = view.at(x, 0, z)
        scale, depth = view.scale(z), stage.depth(z)
        tall, w = rng.uniform(1.5, 5.6) * scale, 0.75 * scale
        stops = [(0.0, pal.tone(marble, depth, 0.95), 1.0), (1.0, pal.tone(marble, depth, 0.1), 1.0)]
        top = [(px + w / 2, py - tall), (px + w * 0.2, py - tall * 1.05), (px - w * 0.1, py - tall * 0.97), (px - w / 2, py - tall * 1.06)]
        canvas.polygon([(px - w / 2, py), (px + w / 2, py), *top], canvas.linear((px - w / 2, 0), (px + w / 2, 0), stops))
        for dx in (-0.25, 0.0, 0.25):
            canvas.stroke([(px + dx * w, py), (px + dx * w, py - tall * 0.94)], pal.tone(marble, depth, 0.15), max(0.8, w * 0.05), 0.5)
        canvas.rect(px - w * 0.7, py - 0.3 * scale, w * 1.4, 0.32 * scale, pal.tone(marble, depth, 0.5))


def hut(stage: Stage, number: int) -> None:
    """One small house near the way."""
    view = stage.view
    z = max(11.0, view.figure_depth * 1.9)
    x = -view.side * 0.24 * view.width / view.scale(z)
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    cottage(stage, stage.rng(f"hut{number}"), x, z, "snow" in stage.brief.weather, east)


STRUCTURES: dict[str, Callable[[Stage, int], None]] = {
    "temple": temple, "castle": castle, "palace": palace, "bridge": bridge, "lighthouse": lighthouse, "gate": gate, "ruins": ruins, "hut": hut,
}  # fmt: skip
