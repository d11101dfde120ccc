"""Interiors, second half: work, travel and ceremony."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import furniture as f
from gpu_agents.engines.sketch.places.interior import room_of, shell, side_windows, window
from gpu_agents.engines.sketch.places.rooms import DARK_WOOD, side_lit
from gpu_agents.engines.sketch.solids import box, quad, rect_at
from gpu_agents.engines.sketch.stage import Stage


def classroom(stage: Stage) -> None:
    """Blackboard with chalk drawings, rows of desks, windows on the side."""
    r = room_of(stage, 8.0, 3.2, 8.0, "#dcd6bf", "#a9794e", "#e9e5d8")
    shell(stage, r, wainscot=rgb("#6f9080"))
    side_lit(stage, r, 4)
    left, top, pw, ph = rect_at(stage, -2.4, 1.05, r.depth, 4.8, 1.5)
    stage.back.rect(left - pw * 0.015, top - pw * 0.015, pw * 1.03, ph + pw * 0.03, stage.pal.tone(rgb("#8a623c"), 0, 0.7))
    stage.back.rect(left, top, pw, ph, stage.pal.tone(rgb("#2f5546"), 0.02, 0.6))
    chalk, rng = stage.pal.tone(rgb("#eef2ea"), 0, 0.9), stage.rng("chalk")
    stage.back.ellipse(left + pw * 0.2, top + ph * 0.5, ph * 0.24, ph * 0.24, mix(stage.pal.tone(rgb("#2f5546"), 0.02, 0.6), chalk, 0.25), 0.8)
    for k in range(9):
        y, start = top + ph * (0.2 + 0.22 * (k % 3)), left + pw * (0.4 + 0.19 * (k // 3))
        stage.back.stroke([(start + pw * 0.012 * i, y + rng.uniform(-0.03, 0.03) * ph) for i in range(rng.randint(5, 11))], chalk, max(1.0, ph * 0.013), 0.75)
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
    shell(stage, r, "tiles")
    side, view = stage.view.side, stage.view
    window(stage, r, -side * 2.0 - 0.9, 1.2, 1.8, 1.2, rgb("#eef2f3"), 3, 1)
    for k in range(3):
        f.screen(stage, "back", side * 0.2 + (k - 0.2) * 1.15 * side - 0.45, 1.35, r.depth, 0.95, 0.62, str(k))
    bench = max(r.depth - 1.4, view.figure_depth + 0.5)
    box(stage, stage.middle, (-3.2, 0, bench), (6.4, 0.9, 0.8), rgb("#8796a0"))
    box(stage, stage.middle, (-3.25, 0.9, bench - 0.04), (6.5, 0.05, 0.88), rgb("#e6ecee"))
    rng = stage.rng("glass")
    for k in range(15):
        _flask(stage, -2.9 + 0.41 * k, 0.95, bench + 0.25, rng.uniform(0.2, 0.38), rng.choice(("#35d0a8", "#ff7a5c", "#7a8cff", "#f2c94c", "#d65cff")), rng.random() < 0.5)
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
        canvas.polygon([(px - 0.4 * s, py), (px - 0.22 * s, py - 0.42 * s), (px + 0.22 * s, py - 0.42 * s), (px + 0.4 * s, py)], colour, 0.85)
        canvas.polygon([(px - 0.45 * s, py), (px - 0.1 * s, py - 0.75 * s), (px - 0.1 * s, py - 1.05 * s), (px + 0.1 * s, py - 1.05 * s), (px + 0.1 * s, py - 0.75 * s), (px + 0.45 * s, py)], glass, 0.35)
    canvas.stroke([(px - 0.1 * s, py - 0.85 * s), (px - 0.16 * s, py - 0.2 * s)], (1.0, 1.0, 1.0), max(1.0, 0.04 * s), 0.6)
    if stage.pal.dark:
        stage.lamps.append((px, py - 0.3 * s, 0.9 * s, times(colour, 0.6)))


def office(stage: Stage) -> None:
    """A wall of glass above the town, desks with displays, plants, pendant lamps."""
    r = room_of(stage, 8.5, 3.1, 7.5, "#cfd2d6", "#7d8088", "#e4e5e8")
    shell(stage, r, "plain")
    window(stage, r, -3.6, 0.5, 7.2, 2.2, rgb("#3f444c"), 6, 1)
    _town(stage, r.depth)
    view = stage.view
    low, high = stage.clear
    for x, z in ((-2.4, r.depth - 1.9), (0.2, r.depth - 1.9), (2.7, r.depth - 1.9), (-2.9, r.depth - 3.9), (2.9, r.depth - 3.9)):
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
            stage.back.rect(x + w * rng.uniform(0.1, 0.8), top + ph - tall * rng.random(), w * 0.1, w * 0.12, pal.glow(), 0.85)
        x += w * 1.05


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
    stage.back.path(f"M{left:.1f} {top + ph:.1f}V{top + ph * .4:.1f}A{pw / 2:.1f} {ph * .5:.1f} 0 0 1 {left + pw:.1f} {top + ph * .4:.1f}V{top + ph:.1f}Z", mix(rgb("#ff6a1a"), rgb("#ffd76a"), 0.35))
    stage.lamps.append((left + pw / 2, top + ph * 0.5, pw * 2.2, rgb("#ff7a24")))
    for k in range(8):
        tx, ty = view.at(side * (1.2 + 0.28 * k), 2.2, r.depth)
        s = view.scale(r.depth)
        stage.back.stroke([(tx, ty), (tx, ty + 0.6 * s)], pal.tone(f.WOOD, 0, 0.5), max(1.0, 0.045 * s))
        stage.back.rect(tx - rng.uniform(0.06, 0.12) * s, ty + 0.52 * s, 0.2 * s, 0.13 * s, pal.tone(rgb("#7b8088"), 0, 0.7))
    z = max(r.depth - 2.3, view.figure_depth + 0.4)
    box(stage, stage.middle, (-side * 1.5 - 0.3, 0, z), (0.6, 0.6, 0.5), f.WOOD)
    ax, ay = view.at(-side * 1.5, 0.6, z)
    s = view.scale(z)
    stage.middle.path(f"M{ax - .22 * s:.1f} {ay:.1f}h{.44 * s:.1f}l{-.1 * s:.1f} {-.14 * s:.1f}h{.24 * s:.1f}v{-.14 * s:.1f}h{-.62 * s:.1f}q{-.2 * s:.1f} 0 {-.26 * s:.1f} {.06 * s:.1f}q{.14 * s:.1f} {.08 * s:.1f} {.4 * s:.1f} {.08 * s:.1f}z", pal.tone(rgb("#5c626c"), 0, 0.6))
    for _ in range(46):
        px, py = ax + rng.gauss(0, 0.35) * s, ay - abs(rng.gauss(0.3, 0.4)) * s
        stage.middle.ellipse(px, py, 0.012 * s, 0.012 * s, mix(rgb("#ff9a3c"), rgb("#fff0b8"), rng.random()))


def hall(stage: Stage) -> None:
    """Rows of pillars, a carpet that leads to a throne, banners, high windows."""
    r = room_of(stage, 13.0, 8.5, 16.0, "#a5927c", "#8d8478", "#4c4038")
    shell(stage, r, "tiles")
    view, pal = stage.view, stage.pal
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    column = rgb("#9c2f28") if east else rgb("#cfc4b0")
    for x in (-4.0, -2.4, 2.4, 4.0):
        window(stage, r, x - 0.5, 3.2, 1.0, 3.6, rgb("#5c4a38"), 2, 4)
    quad(stage, stage.back, [(-1.3, 0.01, 0.4), (1.3, 0.01, 0.4), (1.3, 0.01, r.depth - 1.2), (-1.3, 0.01, r.depth - 1.2)], rgb("#9c2b2b"), 0.65)
    for k in range(3):
        box(stage, stage.back, (-2.6 + 0.4 * k, 0.28 * k, r.depth - 2.4 + 0.5 * k), (5.2 - 0.8 * k, 0.28, 2.4 - 0.5 * k), rgb("#b8ab98"))
    gold = rgb("#d3a648")
    box(stage, stage.back, (-0.75, 0.84, r.depth - 0.6), (1.5, 2.7, 0.3), gold)
    box(stage, stage.back, (-0.55, 1.5, r.depth - 0.62), (1.1, 1.7, 0.1), rgb("#8c2a2a"))
    box(stage, stage.back, (-0.75, 0.84, r.depth - 1.2), (1.5, 0.6, 0.6), times(gold, 0.9))
    for z in (14.2, 11.6, 9.0, 6.4, 3.9):
        for side in (-1, 1):
            _pillar(stage, side * 3.9, z, r.height, column, gold)
            if z > 5:
                f.candle(stage, side * 2.6, 1.0, z, 0.4)
                box(stage, stage.middle, (side * 2.6 - 0.08, 0, z - 0.08), (0.16, 1.0, 0.16), gold)
    for x in (-1.9, 1.9):
        left, top, pw, ph = rect_at(stage, x - 0.4, 3.4, r.depth - 0.2, 0.8, 3.6)
        stage.back.polygon([(left, top), (left + pw, top), (left + pw, top + ph * 0.86), (left + pw / 2, top + ph), (left, top + ph * 0.86)], pal.tone(rgb("#8c2433"), 0.05, 0.7))
        stage.back.ellipse(left + pw / 2, top + ph * 0.4, pw * 0.25, pw * 0.25, pal.tone(gold, 0.05, 0.8))


def _pillar(stage: Stage, x: float, z: float, height: float, local: tuple[float, float, float], trim: tuple[float, float, float]) -> None:
    view, pal, canvas = stage.view, stage.pal, stage.middle
    px, py = view.at(x, 0, z)
    top = view.at(x, height, z)[1]
    s, depth = view.scale(z), stage.depth(z) * 0.4
    r = 0.42 * s
    stops = [(0.0, pal.tone(local, depth, 0.35), 1.0), (0.35, pal.tone(local, depth, 0.95), 1.0), (1.0, pal.tone(local, depth, 0.05), 1.0)]
    start, end = (px - r, px + r) if x > 0 else (px + r, px - r)
    canvas.rect(px - r, top, 2 * r, py - top, canvas.linear((start, 0), (end, 0), stops))
    for y, h in ((py - 0.5 * s, 0.5 * s), (top, 0.7 * s), (top + 1.1 * s, 0.12 * s)):
        canvas.rect(px - r * 1.22, y, 2.44 * r, h, canvas.linear((start, 0), (end, 0), [(0.0, pal.tone(trim, depth, 0.4), 1.0), (0.35, pal.tone(trim, depth, 0.9), 1.0), (1.0, pal.tone(trim, depth, 0.1), 1.0)]))


def hospital(stage: Stage) -> None:
    """White beds with curtains, a drip stand, a monitor, wide windows."""
    r = room_of(stage, 7.5, 3.0, 7.5, "#d3e2e0", "#b3c2c2", "#eef2f0")
    shell(stage, r, "tiles", wainscot=rgb("#a9cbc6"))
    side, view, pal = stage.view.side, stage.view, stage.pal
    window(stage, r, -side * 1.5 - 1.1, 1.1, 2.2, 1.4, rgb("#f2f5f4"), 3, 1)
    for x, z in ((side * 2.4, r.depth - 2.5), (-side * 0.6, r.depth - 2.5), (-side * 3.0, r.depth - 3.6)):
        if z < view.figure_depth:
            continue
        box(stage, stage.middle, (x - 0.5, 0.35, z), (1.0, 0.12, 2.0), rgb("#9fb0b4"))
        box(stage, stage.middle, (x - 0.48, 0.47, z), (0.96, 0.16, 2.0), rgb("#f4f6f4"))
        box(stage, stage.middle, (x - 0.5, 0.55, z), (1.0, 0.12, 1.2), rgb("#8fb8c4"))
        for lx in (-0.45, 0.4):
            box(stage, stage.middle, (x + lx, 0, z), (0.05, 0.75, 0.05), rgb("#b8c4c8"))
        px, py = view.at(x + 0.8, 0, z + 0.9)
        s = view.scale(z + 0.9)
        stage.middle.stroke([(px, py), (px, py - 1.9 * s), (px + 0.2 * s, py - 1.9 * s)], pal.tone(rgb("#8c979c"), 0, 0.6), max(1.0, 0.03 * s))
        stage.middle.rect(px + 0.11 * s, py - 1.85 * s, 0.18 * s, 0.3 * s, pal.tone(rgb("#cfeaf2"), 0, 0.9), 0.85, 0.05 * s)
    f.screen(stage, "back", side * 1.4 - 0.4, 1.4, r.depth, 0.8, 0.55, "ecg")


def train(stage: Stage) -> None:
    """A carriage: seats on both sides, windows with a passing landscape, straps."""
    r = room_of(stage, 3.4, 2.5, 10.0, "#b8a88c", "#6a5a4c", "#d6cbb4")
    shell(stage, r, "plain")
    view, pal = stage.view, stage.pal
    for side in (-1, 1):
        side_windows(stage, r, side, 5, 0.95, 0.95, rgb("#5c4a38"), 0.9)
    box(stage, stage.back, (-0.5, 0, r.depth - 0.05), (1.0, 2.1, 0.05), rgb("#7a5a40"))
    left, top, pw, ph = rect_at(stage, -0.3, 1.1, r.depth - 0.06, 0.6, 0.8)
    stage.back.rect(left, top, pw, ph, mix(pal.sky[1], pal.sky[2], 0.5))
    for k in range(6, -1, -1):
        z = 1.1 + 1.35 * k
        for side in (-1, 1):
            x = side * 1.62 - (1.0 if side > 0 else 0.0)
            box(stage, stage.middle, (x, 0.4, z), (1.0, 0.12, 0.6), rgb("#8c4a3c"))
            box(stage, stage.middle, (x, 0.1, z + 0.1), (1.0, 0.3, 0.4), rgb("#4a3a30"))
            box(stage, stage.middle, (x, 0.5, z + 0.5), (1.0, 0.75, 0.12), rgb("#a5594a"))
        for side in (-1, 1):
            px, py = view.at(side * 0.62, r.height - 0.1, z)
            s = view.scale(z)
            stage.middle.stroke([(px, py), (px, py + 0.3 * s)], pal.tone(rgb("#e2d8c4"), 0, 0.6), max(1.0, 0.02 * s))
            stage.middle.path(f"M{px - .07 * s:.1f} {py + .42 * s:.1f}a{.07 * s:.1f} {.07 * s:.1f} 0 1 1 {.14 * s:.1f} 0a{.07 * s:.1f} {.07 * s:.1f} 0 1 1 {-.14 * s:.1f} 0", None, 1.0, pal.tone(rgb("#e2d8c4"), 0, 0.6), max(1.0, 0.025 * s))
        px, py = view.at(0, r.height - 0.02, z)
        stage.middle.ellipse(px, py, 0.2 * view.scale(z), 0.04 * view.scale(z), mix(pal.glow(), (1.0, 1.0, 0.95), 0.5))
        stage.lamp(px, py, 0.7 * view.scale(z))


def cockpit(stage: Stage) -> None:
    """The bridge of a ship: a wide pane with stars and a planet, consoles, ribs of light."""
    r = room_of(stage, 9.0, 3.6, 7.5, "#39404e", "#2b313c", "#2a303a")
    shell(stage, r, "plain")
    view, canvas, rng = stage.view, stage.back, stage.rng("stars")
    left, top, pw, ph = rect_at(stage, -3.7, 0.95, r.depth, 7.4, 2.25)
    canvas.rect(left, top, pw, ph, canvas.linear((left, top), (left + pw, top + ph), [(0.0, rgb("#050818"), 1.0), (0.6, rgb("#14205a"), 1.0), (1.0, rgb("#4a2a6e"), 1.0)]))
    for _ in range(190):
        size = ph * rng.uniform(0.002, 0.007)
        canvas.ellipse(left + pw * rng.random(), top + ph * rng.random(), size, size, (1.0, 1.0, 1.0), rng.uniform(0.3, 1))
    radius = ph * 0.42
    px, py = left + pw * (0.5 - view.side * 0.24), top + ph * 0.5
    canvas.ellipse(px, py, radius, radius, canvas.radial(px - radius * 0.5, py - radius * 0.5, radius * 1.7, [(0.0, rgb("#9fe0ff"), 1.0), (0.45, rgb("#3a7ac8"), 1.0), (1.0, rgb("#06102c"), 1.0)]))
    canvas.glow(px, py, radius * 1.7, rgb("#4aa0ff"), 0.3)
    frame = stage.pal.tone(rgb("#6a7484"), 0, 0.5)
    for k in range(6):
        canvas.stroke([(left + pw * k / 5, top), (left + pw * (0.5 + (k / 5 - 0.5) * 0.9), top + ph)], frame, max(2.0, pw * 0.008))
    canvas.stroke([(left, top), (left + pw, top), (left + pw * 0.95, top + ph), (left + pw * 0.05, top + ph), (left, top)], frame, max(3.0, pw * 0.014), smooth=False)
    for side in (-1, 1):
        for k in range(5):
            z = 1.4 + 1.3 * k
            points = [view.at(side * r.half, 0.2, z), view.at(side * r.half, 3.0, z), view.at(side * (r.half - 0.7), r.height, z)]
            canvas.stroke(points, rgb("#5fd8ff"), max(1.5, 0.03 * view.scale(z)), 0.8, smooth=False)
            stage.lamps.append((*view.at(side * r.half, 1.8, z), 0.7 * view.scale(z), rgb("#1a4a66")))
    z = max(r.depth - 1.4, view.figure_depth + 0.3)
    box(stage, stage.middle, (-3.4, 0, z), (6.8, 0.85, 0.8), rgb("#4c5666"))
    for k in range(5):
        f.screen(stage, "middle", -3.2 + 1.32 * k, 0.9, z + 0.4, 1.05, 0.45, f"c{k}")
    for k in range(34):
        bx, by = view.at(-3.3 + 0.2 * k, 0.7, z)
        canvas_size = 0.028 * view.scale(z)
        stage.middle.rect(bx, by, canvas_size * 1.6, canvas_size, rng.choice((rgb("#ff6a5c"), rgb("#ffd76a"), rgb("#6affb8"), rgb("#5fb8ff"))))


def studio(stage: Stage) -> None:
    """A photographer's paper roll with two soft boxes: for portraits without a place."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    tints = (rgb("#8fa3b8"), rgb("#b8a08f"), rgb("#93a893"), rgb("#a596b0"), rgb("#b0a892"))
    local = stage.rng("studio").choice(tints)
    floor = min(view.height * 0.95, view.at(0, 0, view.figure_depth + 1.4)[1])
    canvas.rect(0, 0, view.width, view.height, pal.tone(local, 0, 0.25))
    x = view.width * (0.5 - view.side * 0.1)
    lit, dark = mix(pal.tone(local, 0, 1.0), (1.0, 1.0, 1.0), 0.15), pal.tone(local, 0, 0.0)
    canvas.rect(0, 0, view.width, view.height, canvas.radial(x, view.height * 0.4, view.width * 0.7, [(0.0, lit, 1.0), (1.0, dark, 1.0)]))
    canvas.rect(0, floor, view.width, view.height - floor, canvas.linear((0, floor), (0, view.height), [(0.0, lit, 0.0), (0.5, lit, 0.35), (1.0, lit, 0.5)]))
    if view.focal < view.height * 1.45:
        for side in (-1, 1):
            cx = view.width * (0.5 + side * 0.42)
            tall = view.height * 0.2
            canvas.stroke([(cx, view.height * 0.34), (cx + side * tall * 0.1, view.height * 0.92)], pal.tone(rgb("#2b2d33"), 0, 0.4), view.height * 0.008)
            tilt = side * tall * 0.22
            canvas.polygon([(cx - tall * 0.5, view.height * 0.12 + tilt), (cx + tall * 0.5, view.height * 0.12 - tilt), (cx + tall * 0.42, view.height * 0.34 - tilt), (cx - tall * 0.42, view.height * 0.34 + tilt)], rgb("#fffaf0"))
            stage.lamps.append((cx, view.height * 0.23, tall * 1.2, times(rgb("#fff4e0"), 0.4)))
    stage.sun = (view.width * (0.5 - view.side * 0.4), view.height * 0.2)
