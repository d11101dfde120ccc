"""Interiors, first half: places of daily life."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import furniture as f
from gpu_agents.engines.sketch.places.buildings import lantern
from gpu_agents.engines.sketch.places.interior import Room, room_of, shell
from gpu_agents.engines.sketch.places.windows import side_windows, window
from gpu_agents.engines.sketch.solids import box, quad, rect_at
from gpu_agents.engines.sketch.stage import Stage

DARK_WOOD = rgb("#5a3826")


def room(stage: Stage) -> None:
    """A bedroom or living room: window, bed, lamp, rug."""
    r = room_of(stage, 6.4, 2.9, 6.0, "#c9b59a", "#8a6242", "#d9cdb8")
    shell(stage, r)
    side = -stage.view.side
    window(stage, r, side * 1.6 - 0.8, 1.0, 1.6, 1.4, rgb("#e9e2d4"))
    for dx in (-1.0, 0.82):
        _curtain(stage, r, side * 1.6 + dx, 0.35)
    f.picture_frame(stage, -side * 1.4 - 0.45, 1.5, r.depth, 0.9, 0.65, "room")
    quad(
        stage,
        stage.back,
        [(-1.6, 0.01, 2.2), (1.6, 0.01, 2.2), (1.6, 0.01, r.depth - 1.4), (-1.6, 0.01, r.depth - 1.4)],
        rgb("#8c4a44"),
        0.55,
        0.75,
    )
    bed = side * 1.7
    box(stage, stage.middle, (bed - 0.85, 0, r.depth - 2.2), (1.7, 0.38, 2.1), f.WOOD)
    box(stage, stage.middle, (bed - 0.82, 0.38, r.depth - 2.15), (1.64, 0.2, 2.0), rgb("#e8e1d2"))
    box(stage, stage.middle, (bed - 0.83, 0.5, r.depth - 2.17), (1.66, 0.12, 1.2), rgb("#6d86a8"))
    f.table(stage, -side * 2.3, r.depth - 0.8, 0.8, 0.6, 0.6)
    f.candle(stage, -side * 2.3, 0.6, r.depth - 0.6, 0.2)
    f.plant_pot(stage, -side * 2.7, r.depth - 1.6)


def _curtain(stage: Stage, r: Room, x: float, w: float) -> None:
    left, top, pw, ph = rect_at(stage, x, 0.55, r.depth, w, 2.05)
    local = rgb("#b0624f")
    for k in range(4):
        stage.back.rect(left + pw * k / 4, top, pw / 4 + 0.5, ph, stage.pal.tone(local, 0.03, 0.85 if k % 2 else 0.3))


def teahouse(stage: Stage) -> None:
    """Lattice windows, low tables with tea, red lanterns under dark beams."""
    r = room_of(stage, 8.5, 3.4, 7.5, "#cdb48c", "#7a5136", "#4a2f20")
    shell(stage, r, beams=True, wainscot=DARK_WOOD)
    for k in (-1, 0, 1):
        window(stage, r, k * 2.5 - 0.85, 1.15, 1.7, 1.5, DARK_WOOD, 5, 4, shaft=k != stage.view.side)
    for x in (-1.25, 1.25):
        box(stage, stage.back, (x - 0.1, 0, r.depth - 0.25), (0.2, r.height, 0.2), rgb("#8c3b2c"))
    rng = stage.rng("tea")
    low, high = stage.clear
    for z in (r.depth - 1.7, r.depth - 3.4):
        for x in (-2.6, 0.0, 2.6):
            if low - 0.7 < x < high + 0.7 and z < stage.view.figure_depth + 1.2:
                continue
            f.table(stage, x, z, 1.25, 0.85, 0.72, DARK_WOOD)
            _tea_set(stage, x, 0.72, z + 0.4)
            for dx in (-0.95, 0.95):
                f.stool(stage, x + dx, z + 0.4 + rng.uniform(-0.1, 0.1), rgb("#8a5a3c"))
    for x in (-2.9, -1.0, 1.0, 2.9):
        z = r.depth - 2.4
        lantern(stage, stage.middle, stage.view.at(x, r.height - 0.25, z), 0.42 * stage.view.scale(z))


def _tea_set(stage: Stage, x: float, y: float, z: float) -> None:
    view, pal, canvas = stage.view, stage.pal, stage.middle
    s = view.scale(z)
    px, py = view.at(x, y, z)
    clay, white = rgb("#7d4a36"), rgb("#e9e4d8")
    canvas.ellipse(px, py - 0.08 * s, 0.11 * s, 0.09 * s, pal.tone(clay, 0, 0.6))
    canvas.stroke(
        [(px + 0.1 * s, py - 0.08 * s), (px + 0.16 * s, py - 0.11 * s), (px + 0.19 * s, py - 0.16 * s)],
        pal.tone(clay, 0, 0.5),
        max(1.0, 0.03 * s),
    )
    canvas.ellipse(px, py - 0.18 * s, 0.025 * s, 0.025 * s, pal.tone(clay, 0, 0.8))
    for dx in (-0.3, 0.34):
        canvas.path(
            f"M{px + (dx - 0.06) * s:.1f} {py - 0.08 * s:.1f}h{0.12 * s:.1f}q0 {0.09 * s:.1f} {-0.06 * s:.1f}"
            f" {0.09 * s:.1f}t{-0.06 * s:.1f} {-0.09 * s:.1f}z",
            pal.tone(white, 0, 0.85),
        )
    for k in (-1, 1):
        canvas.stroke(
            [(px + k * 0.02 * s, py - 0.2 * s), (px + k * 0.07 * s, py - 0.33 * s), (px - k * 0.02 * s, py - 0.46 * s)],
            pal.tone(white, 0, 0.9),
            max(1.0, 0.018 * s),
            0.35,
        )


def library(stage: Stage) -> None:
    """Walls of books, a tall window, a desk with a lamp, a ladder."""
    r = room_of(stage, 7.5, 4.0, 7.0, "#8a6a4c", "#6b4630", "#3f2b20")
    shell(stage, r, beams=True)
    f.side_shelf(stage, -r.half + 0.05, 1.2, r.depth - 0.1, 3.5, "l")
    f.side_shelf(stage, r.half - 0.05, 1.2, r.depth - 0.1, 3.5, "r")
    centre = -stage.view.side * 0.7
    window(stage, r, centre - 0.75, 1.1, 1.5, 2.4, DARK_WOOD, 3, 4)
    x = -r.half + 0.4
    number = 0
    while x < r.half - 1.0:
        if x + 1.05 < centre - 0.8 or x > centre + 0.8:
            f.bookshelf(stage, x, r.depth - 0.35, 1.05, 3.5, str(number), shelves=7)
        x += 1.08
        number += 1
    desk = -stage.view.side * 1.3
    z = max(r.depth - 2.6, stage.view.figure_depth + 0.5)
    f.table(stage, desk, z, 1.9, 0.9, 0.78, DARK_WOOD)
    for k, tint in enumerate(f.BOOKS[:3]):
        box(stage, stage.middle, (desk - 0.75 + 0.02 * k, 0.78 + 0.06 * k, z + 0.2), (0.36, 0.06, 0.26), tint)
    f.candle(stage, desk + 0.6, 0.78, z + 0.4, 0.24)
    stage.middle.polygon(
        [
            stage.view.at(desk - 0.2, 0.79, z + 0.15),
            stage.view.at(desk + 0.3, 0.79, z + 0.15),
            stage.view.at(desk + 0.28, 0.79, z + 0.5),
            stage.view.at(desk - 0.18, 0.79, z + 0.5),
        ],
        stage.pal.tone(rgb("#eee4cc"), 0, 0.95),
    )
    f.chair(stage, desk + 0.1, z + 1.0, DARK_WOOD, -1)


def kitchen(stage: Stage) -> None:
    """Tiled wall, stove with fire, hanging pans, shelves with bowls, a table of vegetables."""
    r = room_of(stage, 6.5, 3.0, 6.0, "#d6c8ac", "#a58a6c", "#bfae92")
    shell(stage, r, "tiles", beams=True, wainscot=rgb("#b8a07c"))
    window(stage, r, -stage.view.side * 1.5 - 0.7, 1.25, 1.4, 1.1, rgb("#efe9dc"))
    back = r.depth - 0.7
    box(stage, stage.middle, (-2.9, 0, back), (5.8, 0.9, 0.65), rgb("#b5825a"))
    box(stage, stage.middle, (-2.95, 0.9, back - 0.03), (5.9, 0.06, 0.7), rgb("#d9d2c4"))
    side = stage.view.side
    _stove(stage, side * 1.2, back)
    rng, view, canvas = stage.rng("pans"), stage.view, stage.middle
    for k in range(6):
        x, y = view.at(side * 2.5 - side * 0.42 * k, 2.15, back + 0.2)
        s = view.scale(back)
        canvas.stroke([(x, y), (x, y + 0.2 * s)], stage.pal.tone(rgb("#5c5148"), 0, 0.4), max(1.0, 0.03 * s))
        size = rng.uniform(0.1, 0.17) * s
        canvas.ellipse(
            x,
            y + 0.2 * s + size,
            size,
            size,
            stage.pal.tone(rng.choice((rgb("#b8683c"), rgb("#6c7078"), rgb("#8c5a3c"))), 0, 0.75),
        )
        canvas.ellipse(
            x - size * 0.25,
            y + 0.2 * s + size * 0.75,
            size * 0.4,
            size * 0.3,
            stage.pal.tone(rgb("#e8d2b0"), 0, 1.0),
            0.35,
        )
    z = max(back - 2.2, view.figure_depth + 0.3)
    f.table(stage, -side * 1.6, z, 1.7, 0.9, 0.8, rgb("#a5754c"))
    for k, tint in enumerate(("#c8452f", "#e0a03a", "#6f9a3f", "#e7dcc2", "#8c4a7c")):
        x, y = view.at(-side * 1.6 - 0.6 + 0.28 * k, 0.8, z + 0.4)
        s = view.scale(z)
        canvas.ellipse(x, y - 0.07 * s, 0.09 * s, 0.08 * s, stage.pal.tone(rgb(tint), 0, 0.8))


def _stove(stage: Stage, x: float, z: float) -> None:
    view, canvas = stage.view, stage.middle
    box(stage, canvas, (x - 0.5, 0, z - 0.06), (1.0, 0.95, 0.5), rgb("#6b5a50"))
    left, top, pw, ph = rect_at(stage, x - 0.28, 0.2, z - 0.06, 0.56, 0.42)
    canvas.rect(left, top, pw, ph, rgb("#2a130c"), 1.0, pw * 0.15)
    for k in range(5):
        fx = left + pw * (0.15 + 0.175 * k)
        canvas.path(
            f"M{fx - pw * 0.1:.1f} {top + ph:.1f}Q{fx:.1f} {top + ph * (0.1 + 0.12 * (k % 3)):.1f}"
            f" {fx + pw * 0.1:.1f} {top + ph:.1f}Z",
            mix(rgb("#ff7a2a"), rgb("#ffe07a"), k % 2 * 0.7),
        )
    stage.lamps.append((left + pw / 2, top + ph / 2, pw * 1.8, rgb("#ff7a2a")))
    px, py = view.at(x, 0.95, z + 0.1)
    s = view.scale(z)
    canvas.path(
        f"M{px - 0.3 * s:.1f} {py - 0.2 * s:.1f}h{0.6 * s:.1f}q{-0.04 * s:.1f} {0.22 * s:.1f} {-0.3 * s:.1f}"
        f" {0.22 * s:.1f}t{-0.3 * s:.1f} {-0.22 * s:.1f}z",
        stage.pal.tone(rgb("#3a3a40"), 0, 0.5),
    )
    for k in range(4):
        canvas.ellipse(
            px + (0.1 * k - 0.12) * s,
            py - (0.35 + 0.2 * k) * s,
            (0.1 + 0.05 * k) * s,
            (0.08 + 0.04 * k) * s,
            stage.pal.tone(rgb("#f2efe8"), 0, 0.8),
            0.16,
        )


def tavern(stage: Stage) -> None:
    """A counter with jars, heavy tables, a fireplace, lanterns."""
    r = room_of(stage, 9.0, 3.6, 8.0, "#a5845c", "#6b472f", "#3a261a")
    shell(stage, r, beams=True, wainscot=times(DARK_WOOD, 0.9))
    side, rng, view = stage.view.side, stage.rng("tavern"), stage.view
    window(stage, r, -side * 2.4 - 0.7, 1.3, 1.4, 1.2, DARK_WOOD, 4, 3)
    for shelf in (1.55, 2.2):
        left, top, pw, _ = rect_at(stage, side * 1.8 - 1.5, shelf, r.depth, 3.0, 0.08)
        stage.back.rect(left, top, pw, max(2.0, pw * 0.03), stage.pal.tone(DARK_WOOD, 0, 0.5))
        for k in range(11):
            w = pw * rng.uniform(0.045, 0.075)
            x = left + pw * (k + 0.25) / 11
            tint = rng.choice((rgb("#7d4a36"), rgb("#4c6a5a"), rgb("#b08a4c"), rgb("#8c3b34")))
            stage.back.rect(x, top - w * 1.9, w, w * 1.9, stage.pal.tone(tint, 0, 0.6), 1.0, w * 0.3)
            stage.back.rect(x + w * 0.32, top - w * 2.4, w * 0.36, w * 0.6, stage.pal.tone(tint, 0, 0.8))
    box(stage, stage.middle, (side * 1.8 - 1.7, 0, r.depth - 1.5), (3.4, 1.1, 0.6), rgb("#7d5236"))
    box(stage, stage.middle, (side * 1.8 - 1.8, 1.1, r.depth - 1.55), (3.6, 0.07, 0.7), rgb("#9c6b44"))
    _hearth(stage, r, -side * 0.2)
    for x, z in ((-side * 3.0, r.depth - 2.6), (-side * 1.5, r.depth - 4.0), (side * 3.0, r.depth - 3.6)):
        if z > view.figure_depth + 0.4:
            f.table(stage, x, z, 1.6, 0.9, 0.76, DARK_WOOD)
            f.candle(stage, x + 0.2, 0.76, z + 0.4, 0.18)
            for dx in (-1.1, 1.1):
                f.stool(stage, x + dx, z + 0.4)
    for x in (-2.6, 0.4, 3.0):
        lantern(stage, stage.middle, view.at(x, r.height - 0.2, r.depth - 3.0), 0.45 * view.scale(r.depth - 3.0))


def _hearth(stage: Stage, r: Room, x: float) -> None:
    box(stage, stage.back, (x - 0.8, 0, r.depth - 0.3), (1.6, r.height, 0.3), rgb("#7d7068"))
    left, top, pw, ph = rect_at(stage, x - 0.5, 0.1, r.depth - 0.3, 1.0, 0.9)
    stage.back.rect(left, top, pw, ph, rgb("#1c0f0a"), 1.0, pw * 0.2)
    for k in range(7):
        fx = left + pw * (0.14 + 0.12 * k)
        stage.back.path(
            f"M{fx - pw * 0.1:.1f} {top + ph:.1f}Q{fx:.1f} {top + ph * (0.05 + 0.16 * (k % 3)):.1f}"
            f" {fx + pw * 0.1:.1f} {top + ph:.1f}Z",
            mix(rgb("#ff6a22"), rgb("#ffe27a"), k % 2 * 0.75),
        )
    stage.lamps.append((left + pw / 2, top + ph * 0.6, pw * 2.0, rgb("#ff7a2a")))


def side_lit(stage: Stage, r: Room, count: int, frame: str = "#d9d4c8") -> None:
    """Windows along the wall opposite to the figure."""
    side_windows(stage, r, -stage.view.side, count, 1.0, r.height - 1.5, rgb(frame))
