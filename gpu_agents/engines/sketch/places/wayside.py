"""Landmarks along the way: bridge, gate, ruins, hut."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import RGB, rgb, times
from gpu_agents.engines.sketch.places.buildings import RED, TILE, cottage, lantern
from gpu_agents.engines.sketch.solids import upswept_roof
from gpu_agents.engines.sketch.stage import Stage

STONE = rgb("#9a968e")


def bridge(stage: Stage, number: int) -> None:  # noqa: ARG001  (one signature for all)
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
    canvas.path(
        body,
        canvas.linear(
            (x - half, 0),
            (x + half, 0),
            [(0.0, pal.tone(stone, 0.3, 0.8), 1.0), (1.0, pal.tone(stone, 0.3, 0.25), 1.0)],
        ),
    )
    rail = f"M{x - half:.1f} {y - 2 * unit:.1f}Q{x:.1f} {y - rise * 2 - 2 * unit:.1f} {x + half:.1f} {y - 2 * unit:.1f}"
    canvas.path(rail, None, 1.0, pal.tone(stone, 0.25, 0.95), max(1.2, unit * 0.7))
    canvas.path(deck, None, 1.0, pal.tone(stone, 0.25, 0.9), max(1.2, unit * 0.8))
    for k in range(17):
        t = k / 16
        px = x - half + 2 * half * t
        py = y - rise * 4 * t * (1 - t)
        canvas.rect(px - unit * 0.3, py - 2.4 * unit, unit * 0.6, 2.6 * unit, pal.tone(stone, 0.25, 0.75))


def gate(stage: Stage, number: int) -> None:  # noqa: ARG001  (one signature for all)
    """A red wooden gate over the way, two lanterns under its beam."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    z = max(8.0, view.figure_depth * 1.8)
    x, y = view.at(-view.side * 0.6, 0, z)
    scale, depth = view.scale(z), stage.depth(z)
    for side in (-1, 1):
        fill = canvas.linear(
            (x + side * 2.2 * scale, 0),
            (x + side * 2.2 * scale + 0.4 * scale, 0),
            [(0.0, pal.tone(RED, depth, 0.9), 1.0), (1.0, pal.tone(RED, depth, 0.2), 1.0)],
        )
        canvas.rect(x + side * 2.2 * scale - 0.2 * scale, y - 4.6 * scale, 0.4 * scale, 4.6 * scale, fill)
        canvas.rect(
            x + side * 2.2 * scale - 0.3 * scale,
            y - 0.4 * scale,
            0.6 * scale,
            0.42 * scale,
            pal.tone(STONE, depth, 0.5),
        )
    canvas.rect(x - 2.9 * scale, y - 4.0 * scale, 5.8 * scale, 0.32 * scale, pal.tone(RED, depth, 0.55))
    upswept_roof(
        canvas,
        x,
        y - 4.5 * scale,
        7.4 * scale,
        0.85 * scale,
        pal.tone(TILE, depth, 0.7),
        pal.tone(times(TILE, 0.6), depth, 0.3),
    )
    for side in (-1, 1):
        lantern(stage, canvas, (x + side * 1.3 * scale, y - 3.7 * scale), 0.5 * scale)


def ruins(stage: Stage, number: int) -> None:  # noqa: ARG001  (one signature for all)
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
        top = [
            (px + w / 2, py - tall),
            (px + w * 0.2, py - tall * 1.05),
            (px - w * 0.1, py - tall * 0.97),
            (px - w / 2, py - tall * 1.06),
        ]
        canvas.polygon(
            [(px - w / 2, py), (px + w / 2, py), *top], canvas.linear((px - w / 2, 0), (px + w / 2, 0), stops)
        )
        for dx in (-0.25, 0.0, 0.25):
            canvas.stroke(
                [(px + dx * w, py), (px + dx * w, py - tall * 0.94)],
                pal.tone(marble, depth, 0.15),
                max(0.8, w * 0.05),
                0.5,
            )
        canvas.rect(px - w * 0.7, py - 0.3 * scale, w * 1.4, 0.32 * scale, pal.tone(marble, depth, 0.5))


def hut(stage: Stage, number: int) -> None:
    """One small house near the way."""
    view = stage.view
    z = max(11.0, view.figure_depth * 1.9)
    x = -view.side * 0.24 * view.width / view.scale(z)
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    cottage(stage, stage.rng(f"hut{number}"), x, z, "snow" in stage.brief.weather, east)
