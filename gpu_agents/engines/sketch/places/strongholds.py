"""Landmarks of rulers: palace and castle."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import rgb, times
from gpu_agents.engines.sketch.places.buildings import RED
from gpu_agents.engines.sketch.places.siting import footing, greenery, site, temple_hall
from gpu_agents.engines.sketch.solids import upswept_roof
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas

STONE = rgb("#9a968e")


def palace(stage: Stage, number: int) -> None:
    """Three halls above one another on white terraces with golden roofs."""
    canvas, foot, scale, depth = site(stage, number, 44, 0.12)
    pal = stage.pal
    footing(stage, canvas, foot, 30 * scale)
    gold = rgb("#d6a23e")
    for k in range(3):
        w, y = (30 - 6 * k) * scale, foot[1] - 1.1 * scale * k
        canvas.rect(foot[0] - w / 2, y - 1.1 * scale, w, 1.15 * scale, pal.tone(rgb("#e9e4d8"), depth, 0.85 - 0.15 * k))
        canvas.rect(foot[0] - w * 0.07, y - 1.1 * scale, w * 0.14, 1.15 * scale, pal.tone(rgb("#c9c2b2"), depth, 0.6))
    top = foot[1] - 3.3 * scale
    for dx, w, h in ((-10.5, 6.5, 5.0), (10.5, 6.5, 5.0), (0, 14.0, 7.0)):
        x = foot[0] + dx * scale
        temple_hall(stage, canvas, (x, top), w * scale, h * scale, depth)
        upswept_roof(
            canvas,
            x,
            top - h * 0.5 * scale,
            w * 1.35 * scale,
            h * 0.5 * scale,
            pal.tone(gold, depth, 0.8),
            pal.tone(times(gold, 0.6), depth, 0.4),
        )
        if dx == 0:
            canvas.rect(
                x - w * 0.34 * scale,
                top - h * 1.22 * scale,
                w * 0.68 * scale,
                h * 0.26 * scale,
                pal.tone(RED, depth, 0.5),
            )
            upswept_roof(
                canvas,
                x,
                top - h * 1.17 * scale,
                w * 1.02 * scale,
                h * 0.46 * scale,
                pal.tone(gold, depth, 0.85),
                pal.tone(times(gold, 0.6), depth, 0.4),
            )


def castle(stage: Stage, number: int) -> None:
    """Walls, towers with conical roofs and a keep on a rock."""
    canvas, foot, scale, depth = site(stage, number, 46)
    pal = stage.pal
    x, y = foot
    rock = [
        (x - 15 * scale, y),
        (x - 11 * scale, y - 3.4 * scale),
        (x - 4 * scale, y - 4.8 * scale),
        (x + 6 * scale, y - 4.6 * scale),
        (x + 11 * scale, y - 3 * scale),
        (x + 16 * scale, y),
    ]
    canvas.polygon(
        rock,
        canvas.linear(
            (0, y - 5 * scale),
            (0, y),
            [(0.0, pal.tone(rgb("#77757c"), depth, 0.6), 1.0), (1.0, pal.tone(rgb("#77757c"), depth, 0.25), 1.0)],
        ),
    )
    _battlement(stage, canvas, x - 9 * scale, y - 3 * scale, 18 * scale, 4.6 * scale, depth)
    for dx, w, h in ((-9, 3.2, 9.5), (9, 3.2, 8.5), (-3.4, 3.6, 13.0), (3.2, 4.4, 16.5), (0, 2.2, 11)):
        _tower(stage, canvas, x + dx * scale, y - 3.2 * scale, w * scale, h * scale, depth)
    canvas.path(
        f"M{x - 1.2 * scale:.1f} {y - 3 * scale:.1f}v{-2 * scale:.1f}a{1.2 * scale:.1f} {1.2 * scale:.1f}"
        f" 0 0 1 {2.4 * scale:.1f} 0v{2 * scale:.1f}z",
        pal.tone(rgb("#2e2620"), depth, 0.2),
    )
    greenery(stage, canvas, foot, 32 * scale, depth)


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
    stops = [
        (0.0, pal.tone(STONE, depth, 0.85), 1.0),
        (0.5, pal.tone(STONE, depth, 0.5), 1.0),
        (1.0, pal.tone(STONE, depth, 0.12), 1.0),
    ]
    canvas.rect(x - width / 2, y - height, width, height, canvas.linear((x - width / 2, 0), (x + width / 2, 0), stops))
    canvas.rect(x - width * 0.58, y - height * 1.02, width * 1.16, height * 0.06, pal.tone(STONE, depth, 0.55))
    canvas.polygon(
        [
            (x - width * 0.66, y - height * 1.02),
            (x, y - height * 1.02 - width * 1.5),
            (x + width * 0.66, y - height * 1.02),
        ],
        pal.tone(rgb("#5a6d8c"), depth, 0.35),
    )
    canvas.polygon(
        [
            (x - width * 0.66, y - height * 1.02),
            (x, y - height * 1.02 - width * 1.5),
            (x - width * 0.1, y - height * 1.02),
        ],
        pal.tone(rgb("#5a6d8c"), depth, 0.85),
    )
    for k in (0.35, 0.62, 0.85):
        lit = pal.glow() if pal.lamps > 0.2 else pal.tone(rgb("#2e2c34"), depth, 0.2)
        canvas.rect(x - width * 0.08, y - height * k, width * 0.16, width * 0.36, lit, 1.0, width * 0.07)
        stage.lamp(x, y - height * k + width * 0.18, width * 0.9)
