"""Interiors, second part: places of learning and work."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import furniture as f
from gpu_agents.engines.sketch.places.interior import ceiling_panels, room_of, shell
from gpu_agents.engines.sketch.places.rooms import side_lit
from gpu_agents.engines.sketch.places.windows import window
from gpu_agents.engines.sketch.solids import box, rect_at
from gpu_agents.engines.sketch.stage import Stage


def classroom(stage: Stage) -> None:
    """Blackboard with chalk drawings, rows of desks, windows on the side."""
    r = room_of(stage, 8.0, 3.2, 8.0, "#dcd6bf", "#a9794e", "#e9e5d8")
    shell(stage, r, wainscot=rgb("#6f9080"))
    ceiling_panels(stage, r)
    side_lit(stage, r, 4)
    left, top, pw, ph = rect_at(stage, -2.4, 1.05, r.depth, 4.8, 1.5)
    stage.back.rect(
        left - pw * 0.015, top - pw * 0.015, pw * 1.03, ph + pw * 0.03, stage.pal.tone(rgb("#8a623c"), 0, 0.7)
    )
    stage.back.rect(left, top, pw, ph, stage.pal.tone(rgb("#2f5546"), 0.02, 0.6))
    chalk, rng = stage.pal.tone(rgb("#eef2ea"), 0, 0.9), stage.rng("chalk")
    stage.back.ellipse(
        left + pw * 0.2,
        top + ph * 0.5,
        ph * 0.24,
        ph * 0.24,
        mix(stage.pal.tone(rgb("#2f5546"), 0.02, 0.6), chalk, 0.25),
        0.8,
    )
    for k in range(9):
        y, start = top + ph * (0.2 + 0.22 * (k % 3)), left + pw * (0.4 + 0.19 * (k // 3))
        stage.back.stroke(
            [(start + pw * 0.012 * i, y + rng.uniform(-0.03, 0.03) * ph) for i in range(rng.randint(5, 11))],
            chalk,
            max(1.0, ph * 0.013),
            0.75,
        )
    box(stage, stage.middle, (-0.9, 0, r.depth - 1.6), (1.8, 1.0, 0.6), rgb("#8a5f3c"))
    low, high = stage.clear
    for z in (r.depth - 3.0, r.depth - 4.4, r.depth - 5.8):
        for x in (-2.9, -1.0, 1.0, 2.9):
            if z < 1.3 or (z < stage.view.figure_depth + 0.9 and low - 0.3 < x < high + 0.3):
                continue
            f.table(stage, x, z + 0.5, 1.15, 0.5, 0.74, rgb("#b98a58"))
            f.chair(stage, x, z, rgb("#8a6a48"), 1)


def laboratory(stage: Stage) -> None:
    """Benches with glassware in vivid liquids, shelves, displays."""
    r = room_of(stage, 7.6, 3.1, 7.0, "#c3ced3", "#9aa6ad", "#dfe6e8")
    shell(stage, r, "tiles", wainscot=rgb("#9fb4bc"))
    ceiling_panels(stage, r)
    side, view = stage.view.side, stage.view
    window(stage, r, -side * 2.0 - 0.9, 1.2, 1.8, 1.2, rgb("#eef2f3"), 3, 1)
    for k in range(3):
        f.screen(stage, "back", side * 0.2 + (k - 0.2) * 1.15 * side - 0.45, 1.35, r.depth, 0.95, 0.62, str(k))
    bench = max(r.depth - 1.4, view.figure_depth + 0.5)
    box(stage, stage.middle, (-3.2, 0, bench), (6.4, 0.9, 0.8), rgb("#8796a0"))
    box(stage, stage.middle, (-3.25, 0.9, bench - 0.04), (6.5, 0.05, 0.88), rgb("#e6ecee"))
    rng = stage.rng("glass")
    for k in range(15):
        _flask(
            stage,
            -2.9 + 0.41 * k,
            0.95,
            bench + 0.25,
            rng.uniform(0.2, 0.38),
            rng.choice(("#35d0a8", "#ff7a5c", "#7a8cff", "#f2c94c", "#d65cff")),
            rng.random() < 0.5,
        )
    for x in (-1.8, 1.6):
        f.pendant(stage, x, bench, r.height, 0.7, rgb("#dfe6e8"))


def _flask(stage: Stage, x: float, y: float, z: float, size: float, liquid: str, tall: bool) -> None:
    view, canvas = stage.view, stage.middle
    px, py = view.at(x, y, z)
    s = view.scale(z) * size
    glass, colour = mix(stage.pal.tone(rgb("#dcecf0"), 0, 0.8), (1.0, 1.0, 1.0), 0.2), rgb(liquid)
    if tall:
        canvas.rect(px - 0.16 * s, py - 0.62 * s, 0.32 * s, 0.62 * s, colour, 0.8, 0.1 * s)
        canvas.rect(px - 0.18 * s, py - 1.1 * s, 0.36 * s, 1.1 * s, glass, 0.35, 0.12 * s)
    else:
        canvas.polygon(
            [(px - 0.4 * s, py), (px - 0.22 * s, py - 0.42 * s), (px + 0.22 * s, py - 0.42 * s), (px + 0.4 * s, py)],
            colour,
            0.85,
        )
        canvas.polygon(
            [
                (px - 0.45 * s, py),
                (px - 0.1 * s, py - 0.75 * s),
                (px - 0.1 * s, py - 1.05 * s),
                (px + 0.1 * s, py - 1.05 * s),
                (px + 0.1 * s, py - 0.75 * s),
                (px + 0.45 * s, py),
            ],
            glass,
            0.35,
        )
    canvas.stroke(
        [(px - 0.1 * s, py - 0.85 * s), (px - 0.16 * s, py - 0.2 * s)], (1.0, 1.0, 1.0), max(1.0, 0.04 * s), 0.6
    )
    if stage.pal.dark:
        stage.lamps.append((px, py - 0.3 * s, 0.9 * s, times(colour, 0.6)))


def office(stage: Stage) -> None:
    """A wall of glass above the town, desks with displays, plants, pendant lamps."""
    r = room_of(stage, 8.5, 3.1, 7.5, "#cfd2d6", "#7d8088", "#e4e5e8")
    shell(stage, r, "plain")
    ceiling_panels(stage, r)
    window(stage, r, -3.6, 0.5, 7.2, 2.2, rgb("#3f444c"), 6, 1)
    _town(stage, r.depth)
    view = stage.view
    low, high = stage.clear
    for x, z in (
        (-2.4, r.depth - 1.9),
        (0.2, r.depth - 1.9),
        (2.7, r.depth - 1.9),
        (-2.9, r.depth - 3.9),
        (2.9, r.depth - 3.9),
    ):
        if z < view.figure_depth + 0.3 and low - 0.6 < x < high + 0.6:
            continue
        f.table(stage, x, z, 1.7, 0.8, 0.74, rgb("#c9a27a"))
        f.screen(stage, "middle", x - 0.38, 0.86, z + 0.45, 0.76, 0.46, f"{x}{z}")
        f.chair(stage, x, z - 0.35, rgb("#33373f"), 1)
    f.plant_pot(stage, -view.side * 3.6, r.depth - 1.0, 1.5)
    for x in (-2.2, 0.0, 2.2):
        f.pendant(stage, x, r.depth - 2.4, r.height, 0.6, rgb("#33373f"))


def _town(stage: Stage, z: float) -> None:
    rng, pal = stage.rng("town"), stage.pal
    left, top, pw, ph = rect_at(stage, -3.55, 0.55, z, 7.1, 2.1)
    x = left
    while x < left + pw - 2:
        w = min(pw * rng.uniform(0.03, 0.07), left + pw - x)
        tall = ph * rng.uniform(0.2, 0.75)
        stage.back.rect(x, top + ph - tall, w, tall, pal.tone(rgb("#7a8496"), rng.uniform(0.4, 0.9), 0.5))
        for _ in range(int(12 * pal.lamps)):
            stage.back.rect(
                x + w * rng.uniform(0.1, 0.8), top + ph - tall * rng.random(), w * 0.1, w * 0.12, pal.glow(), 0.85
            )
        x += w * 1.05
