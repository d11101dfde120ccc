"""Interiors, third part: hospital, carriage, ship and studio."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import furniture as f
from gpu_agents.engines.sketch.places.interior import ceiling_panels, room_of, shell
from gpu_agents.engines.sketch.places.windows import side_windows, window
from gpu_agents.engines.sketch.solids import box, rect_at
from gpu_agents.engines.sketch.stage import Stage


def hospital(stage: Stage) -> None:
    """White beds with curtains, a drip stand, a monitor, wide windows."""
    r = room_of(stage, 7.5, 3.0, 7.5, "#d3e2e0", "#b3c2c2", "#eef2f0")
    shell(stage, r, "tiles", wainscot=rgb("#a9cbc6"))
    ceiling_panels(stage, r)
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
        stage.middle.stroke(
            [(px, py), (px, py - 1.9 * s), (px + 0.2 * s, py - 1.9 * s)],
            pal.tone(rgb("#8c979c"), 0, 0.6),
            max(1.0, 0.03 * s),
        )
        stage.middle.rect(
            px + 0.11 * s, py - 1.85 * s, 0.18 * s, 0.3 * s, pal.tone(rgb("#cfeaf2"), 0, 0.9), 0.85, 0.05 * s
        )
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
            stage.middle.path(
                f"M{px - 0.07 * s:.1f} {py + 0.42 * s:.1f}a{0.07 * s:.1f} {0.07 * s:.1f} 0 1 1 {0.14 * s:.1f}"
                f" 0a{0.07 * s:.1f} {0.07 * s:.1f} 0 1 1 {-0.14 * s:.1f} 0",
                None,
                1.0,
                pal.tone(rgb("#e2d8c4"), 0, 0.6),
                max(1.0, 0.025 * s),
            )
        px, py = view.at(0, r.height - 0.02, z)
        stage.middle.ellipse(px, py, 0.2 * view.scale(z), 0.04 * view.scale(z), mix(pal.glow(), (1.0, 1.0, 0.95), 0.5))
        stage.lamp(px, py, 0.7 * view.scale(z))


def cockpit(stage: Stage) -> None:
    """The bridge of a ship: a wide pane with stars and a planet, consoles, ribs of light."""
    r = room_of(stage, 9.0, 3.6, 7.5, "#39404e", "#2b313c", "#2a303a")
    shell(stage, r, "plain")
    view, canvas, rng = stage.view, stage.back, stage.rng("stars")
    left, top, pw, ph = rect_at(stage, -3.7, 0.95, r.depth, 7.4, 2.25)
    canvas.rect(
        left,
        top,
        pw,
        ph,
        canvas.linear(
            (left, top),
            (left + pw, top + ph),
            [(0.0, rgb("#050818"), 1.0), (0.6, rgb("#14205a"), 1.0), (1.0, rgb("#4a2a6e"), 1.0)],
        ),
    )
    for _ in range(190):
        size = ph * rng.uniform(0.002, 0.007)
        canvas.ellipse(
            left + pw * rng.random(), top + ph * rng.random(), size, size, (1.0, 1.0, 1.0), rng.uniform(0.3, 1)
        )
    radius = ph * 0.42
    px, py = left + pw * (0.5 - view.side * 0.24), top + ph * 0.5
    canvas.ellipse(
        px,
        py,
        radius,
        radius,
        canvas.radial(
            px - radius * 0.5,
            py - radius * 0.5,
            radius * 1.7,
            [(0.0, rgb("#9fe0ff"), 1.0), (0.45, rgb("#3a7ac8"), 1.0), (1.0, rgb("#06102c"), 1.0)],
        ),
    )
    canvas.glow(px, py, radius * 1.7, rgb("#4aa0ff"), 0.3)
    frame = stage.pal.tone(rgb("#6a7484"), 0, 0.5)
    for k in range(6):
        canvas.stroke(
            [(left + pw * k / 5, top), (left + pw * (0.5 + (k / 5 - 0.5) * 0.9), top + ph)], frame, max(2.0, pw * 0.008)
        )
    canvas.stroke(
        [(left, top), (left + pw, top), (left + pw * 0.95, top + ph), (left + pw * 0.05, top + ph), (left, top)],
        frame,
        max(3.0, pw * 0.014),
        smooth=False,
    )
    for side in (-1, 1):
        for k in range(5):
            z = 1.4 + 1.3 * k
            points = [
                view.at(side * r.half, 0.2, z),
                view.at(side * r.half, 3.0, z),
                view.at(side * (r.half - 0.7), r.height, z),
            ]
            canvas.stroke(points, rgb("#5fd8ff"), max(1.5, 0.03 * view.scale(z)), 0.8, smooth=False)
            stage.lamps.append((*view.at(side * r.half, 1.8, z), 0.7 * view.scale(z), rgb("#1a4a66")))
    z = max(r.depth - 1.4, view.figure_depth + 0.3)
    box(stage, stage.middle, (-3.4, 0, z), (6.8, 0.85, 0.8), rgb("#4c5666"))
    for k in range(5):
        f.screen(stage, "middle", -3.2 + 1.32 * k, 0.9, z + 0.4, 1.05, 0.45, f"c{k}")
    for k in range(34):
        bx, by = view.at(-3.3 + 0.2 * k, 0.7, z)
        canvas_size = 0.028 * view.scale(z)
        stage.middle.rect(
            bx,
            by,
            canvas_size * 1.6,
            canvas_size,
            rng.choice((rgb("#ff6a5c"), rgb("#ffd76a"), rgb("#6affb8"), rgb("#5fb8ff"))),
        )


def studio(stage: Stage) -> None:
    """A photographer's paper roll with two soft boxes: for portraits without a place."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    tints = (rgb("#8fa3b8"), rgb("#b8a08f"), rgb("#93a893"), rgb("#a596b0"), rgb("#b0a892"))
    local = stage.rng("studio").choice(tints)
    floor = min(view.height * 0.95, view.at(0, 0, view.figure_depth + 1.4)[1])
    canvas.rect(0, 0, view.width, view.height, pal.tone(local, 0, 0.25))
    x = view.width * (0.5 - view.side * 0.1)
    lit, dark = mix(pal.tone(local, 0, 1.0), (1.0, 1.0, 1.0), 0.15), pal.tone(local, 0, 0.0)
    canvas.rect(
        0,
        0,
        view.width,
        view.height,
        canvas.radial(x, view.height * 0.4, view.width * 0.7, [(0.0, lit, 1.0), (1.0, dark, 1.0)]),
    )
    canvas.rect(
        0,
        floor,
        view.width,
        view.height - floor,
        canvas.linear((0, floor), (0, view.height), [(0.0, lit, 0.0), (0.5, lit, 0.35), (1.0, lit, 0.5)]),
    )
    if view.focal < view.height * 1.45:
        for side in (-1, 1):
            cx = view.width * (0.5 + side * 0.42)
            tall = view.height * 0.2
            canvas.stroke(
                [(cx, view.height * 0.34), (cx + side * tall * 0.1, view.height * 0.92)],
                pal.tone(rgb("#2b2d33"), 0, 0.4),
                view.height * 0.008,
            )
            tilt = side * tall * 0.22
            canvas.polygon(
                [
                    (cx - tall * 0.5, view.height * 0.12 + tilt),
                    (cx + tall * 0.5, view.height * 0.12 - tilt),
                    (cx + tall * 0.42, view.height * 0.34 - tilt),
                    (cx - tall * 0.42, view.height * 0.34 + tilt),
                ],
                rgb("#fffaf0"),
            )
            stage.lamps.append((cx, view.height * 0.23, tall * 1.2, times(rgb("#fff4e0"), 0.4)))
    stage.sun = (view.width * (0.5 - view.side * 0.4), view.height * 0.2)
