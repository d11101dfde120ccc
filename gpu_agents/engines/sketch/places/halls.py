"""Interiors, second half: work, travel and ceremony."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import furniture as f
from gpu_agents.engines.sketch.places.interior import room_of, shell
from gpu_agents.engines.sketch.places.rooms import DARK_WOOD
from gpu_agents.engines.sketch.places.windows import window
from gpu_agents.engines.sketch.solids import box, quad, rect_at
from gpu_agents.engines.sketch.stage import Stage


def workshop(stage: Stage) -> None:
    """A forge: furnace, anvil, tools on the wall, sparks."""
    r = room_of(stage, 7.5, 3.6, 7.0, "#7d6a5c", "#5c5048", "#3a2e28")
    shell(stage, r, "plain", beams=True)
    side, view, pal, rng = stage.view.side, stage.view, stage.pal, stage.rng("forge")
    window(stage, r, -side * 2.3 - 0.6, 1.6, 1.2, 1.0, DARK_WOOD, 3, 2)
    x = -side * 0.3
    box(stage, stage.back, (x - 1.0, 0, r.depth - 0.9), (2.0, 1.5, 0.9), rgb("#6d5a50"))
    box(stage, stage.back, (x - 0.7, 1.5, r.depth - 0.7), (1.4, 2.1, 0.7), rgb("#5c4a42"))
    left, top, pw, ph = rect_at(stage, x - 0.55, 0.55, r.depth - 0.9, 1.1, 0.75)
    stage.back.path(
        f"M{left:.1f} {top + ph:.1f}V{top + ph * 0.4:.1f}A{pw / 2:.1f} {ph * 0.5:.1f} 0 0 1 {left + pw:.1f}"
        f" {top + ph * 0.4:.1f}V{top + ph:.1f}Z",
        mix(rgb("#ff6a1a"), rgb("#ffd76a"), 0.35),
    )
    stage.lamps.append((left + pw / 2, top + ph * 0.5, pw * 2.2, rgb("#ff7a24")))
    for k in range(8):
        tx, ty = view.at(side * (1.2 + 0.28 * k), 2.2, r.depth)
        s = view.scale(r.depth)
        stage.back.stroke([(tx, ty), (tx, ty + 0.6 * s)], pal.tone(f.WOOD, 0, 0.5), max(1.0, 0.045 * s))
        stage.back.rect(
            tx - rng.uniform(0.06, 0.12) * s, ty + 0.52 * s, 0.2 * s, 0.13 * s, pal.tone(rgb("#7b8088"), 0, 0.7)
        )
    z = max(r.depth - 2.3, view.figure_depth + 0.4)
    box(stage, stage.middle, (-side * 1.5 - 0.3, 0, z), (0.6, 0.6, 0.5), f.WOOD)
    ax, ay = view.at(-side * 1.5, 0.6, z)
    s = view.scale(z)
    stage.middle.path(
        f"M{ax - 0.22 * s:.1f} {ay:.1f}h{0.44 * s:.1f}l{-0.1 * s:.1f} {-0.14 * s:.1f}h{0.24 * s:.1f}"
        f"v{-0.14 * s:.1f}h{-0.62 * s:.1f}q{-0.2 * s:.1f} 0 {-0.26 * s:.1f} {0.06 * s:.1f}q{0.14 * s:.1f}"
        f" {0.08 * s:.1f} {0.4 * s:.1f} {0.08 * s:.1f}z",
        pal.tone(rgb("#5c626c"), 0, 0.6),
    )
    for _ in range(46):
        px, py = ax + rng.gauss(0, 0.35) * s, ay - abs(rng.gauss(0.3, 0.4)) * s
        stage.middle.ellipse(px, py, 0.012 * s, 0.012 * s, mix(rgb("#ff9a3c"), rgb("#fff0b8"), rng.random()))


def hall(stage: Stage) -> None:
    """Rows of pillars, a carpet that leads to a throne, banners, high windows."""
    r = room_of(stage, 13.0, 8.5, 16.0, "#a5927c", "#8d8478", "#4c4038")
    shell(stage, r, "tiles")
    pal = stage.pal
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    column = rgb("#9c2f28") if east else rgb("#cfc4b0")
    for x in (-4.0, -2.4, 2.4, 4.0):
        window(stage, r, x - 0.5, 3.2, 1.0, 3.6, rgb("#5c4a38"), 2, 4)
    quad(
        stage,
        stage.back,
        [(-1.3, 0.01, 0.4), (1.3, 0.01, 0.4), (1.3, 0.01, r.depth - 1.2), (-1.3, 0.01, r.depth - 1.2)],
        rgb("#9c2b2b"),
        0.65,
    )
    for k in range(3):
        box(
            stage,
            stage.back,
            (-2.6 + 0.4 * k, 0.28 * k, r.depth - 2.4 + 0.5 * k),
            (5.2 - 0.8 * k, 0.28, 2.4 - 0.5 * k),
            rgb("#b8ab98"),
        )
    gold = rgb("#d3a648")
    box(stage, stage.back, (-0.75, 0.84, r.depth - 0.6), (1.5, 2.7, 0.3), gold)
    box(stage, stage.back, (-0.55, 1.5, r.depth - 0.62), (1.1, 1.7, 0.1), rgb("#8c2a2a"))
    box(stage, stage.back, (-0.75, 0.84, r.depth - 1.2), (1.5, 0.6, 0.6), times(gold, 0.9))
    for z in (14.2, 11.6, 9.0, 6.4, 3.9):
        for side in (-1, 1):
            _pillar(stage, side * 3.9, z, r.height, column, gold)
            if z > 5:
                f.candle(stage, side * 2.6, 1.0, z, 0.24)
                box(stage, stage.middle, (side * 2.6 - 0.08, 0, z - 0.08), (0.16, 1.0, 0.16), gold)
    for x in (-1.9, 1.9):
        left, top, pw, ph = rect_at(stage, x - 0.4, 3.4, r.depth - 0.2, 0.8, 3.6)
        stage.back.polygon(
            [
                (left, top),
                (left + pw, top),
                (left + pw, top + ph * 0.86),
                (left + pw / 2, top + ph),
                (left, top + ph * 0.86),
            ],
            pal.tone(rgb("#8c2433"), 0.05, 0.7),
        )
        stage.back.ellipse(left + pw / 2, top + ph * 0.4, pw * 0.25, pw * 0.25, pal.tone(gold, 0.05, 0.8))


def _pillar(
    stage: Stage, x: float, z: float, height: float, local: tuple[float, float, float], trim: tuple[float, float, float]
) -> None:
    view, pal, canvas = stage.view, stage.pal, stage.middle
    px, py = view.at(x, 0, z)
    top = view.at(x, height, z)[1]
    s, depth = view.scale(z), stage.depth(z) * 0.4
    r = 0.42 * s
    stops = [
        (0.0, pal.tone(local, depth, 0.35), 1.0),
        (0.35, pal.tone(local, depth, 0.95), 1.0),
        (1.0, pal.tone(local, depth, 0.05), 1.0),
    ]
    start, end = (px - r, px + r) if x > 0 else (px + r, px - r)
    canvas.rect(px - r, top, 2 * r, py - top, canvas.linear((start, 0), (end, 0), stops))
    for y, h in ((py - 0.5 * s, 0.5 * s), (top, 0.7 * s), (top + 1.1 * s, 0.12 * s)):
        canvas.rect(
            px - r * 1.22,
            y,
            2.44 * r,
            h,
            canvas.linear(
                (start, 0),
                (end, 0),
                [
                    (0.0, pal.tone(trim, depth, 0.4), 1.0),
                    (0.35, pal.tone(trim, depth, 0.9), 1.0),
                    (1.0, pal.tone(trim, depth, 0.1), 1.0),
                ],
            ),
        )
