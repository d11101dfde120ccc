"""Things that a prompt names, placed beside the figure or in the sky."""

from __future__ import annotations

import math
from collections.abc import Callable

from gpu_agents.engines.sketch import creatures
from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.flora import flower_patch, leaf_at
from gpu_agents.engines.sketch.places.buildings import lantern
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Point

Spot = tuple[Point, float]  # foot in pixels, pixels a metre


def draw_props(stage: Stage) -> None:
    """Every object of the brief; ground objects take turns on both sides of the figure."""
    for number, name in enumerate(stage.brief.objects):
        PROPS[name](stage, _spot(stage, number))


def _spot(stage: Stage, number: int) -> Spot:
    view = stage.view
    z = view.figure_depth * (1.12 + 0.16 * number)
    side = -view.side if number % 2 == 0 else view.side
    away = (1.15 + 0.45 * (number // 2)) if number % 2 == 0 else 0.95
    x = (view.figure_x - view.width / 2) / view.scale(view.figure_depth) + side * away * max(1.0, view.figure_depth / 3.2)
    foot = view.at(x, 0, z)
    scale = view.scale(z)
    low = view.height * 0.97
    if foot[1] > low:  # close shots: lift what would lie below the picture, a little smaller
        return (min(max(foot[0], view.width * 0.12), view.width * 0.88), low), scale * 0.8
    return (min(max(foot[0], view.width * 0.08), view.width * 0.92), foot[1]), scale


def _lantern(stage: Stage, spot: Spot) -> None:
    text = stage.brief.text
    if "孔明灯" in text or "sky lantern" in text.lower() or (not stage.brief.indoors and stage.pal.dark):
        rng, view = stage.rng("sky-lanterns"), stage.view
        for _ in range(26):
            t = rng.random()
            x, y = rng.random() * view.width, max(view.horizon, view.height * 0.3) * rng.uniform(0.05, 0.92)
            size = view.height * (0.012 + 0.035 * t**2)
            warm = mix(rgb("#ff9a3c"), rgb("#ffe2a0"), rng.random() * 0.6)
            stage.back.path(f"M{x - size * .42:.1f} {y + size:.1f}Q{x - size * .75:.1f} {y:.1f} {x - size * .4:.1f} {y - size * .5:.1f}Q{x:.1f} {y - size * .8:.1f} {x + size * .4:.1f} {y - size * .5:.1f}"
                            f"Q{x + size * .75:.1f} {y:.1f} {x + size * .42:.1f} {y + size:.1f}Z", stage.back.linear((0, y - size), (0, y + size), [(0.0, times(warm, 0.8), 1.0), (1.0, mix(warm, rgb("#fff3cf"), 0.6), 1.0)]))  # fmt: skip
            stage.lamp(x, y + size * 0.3, size * 2.4, times(warm, 0.8))
        return
    (x, y), s = spot
    stage.middle.stroke([(x, y), (x, y - 1.9 * s), (x + 0.35 * s, y - 2.0 * s)], stage.pal.tone(rgb("#4a3426"), 0, 0.4), max(1.5, 0.05 * s))
    lantern(stage, stage.middle, (x + 0.35 * s, y - 2.0 * s), 0.42 * s)


def _boat(stage: Stage, spot: Spot) -> None:
    view, pal = stage.view, stage.pal
    on_water = stage.water is not None
    x = view.width * (0.5 - view.side * 0.2)
    y = view.horizon + (view.height - view.horizon) * (0.14 if view.horizon < view.height * 0.7 else 0.3) if on_water else spot[0][1]
    u = view.height * 0.055 if on_water else spot[1]
    x = x if on_water else spot[0][0]
    canvas = stage.middle
    hull = rgb("#6b4530")
    soft_ellipse(canvas, x, y + 0.3 * u, 2.6 * u, 0.35 * u, times(pal.shadow, 0.4), 0.5)
    canvas.path(f"M{x - 2.4 * u:.1f} {y - .75 * u:.1f}Q{x - 1.4 * u:.1f} {y + .35 * u:.1f} {x:.1f} {y + .3 * u:.1f}Q{x + 1.5 * u:.1f} {y + .35 * u:.1f} {x + 2.5 * u:.1f} {y - .85 * u:.1f}"
                f"Q{x:.1f} {y - .25 * u:.1f} {x - 2.4 * u:.1f} {y - .75 * u:.1f}Z", canvas.linear((0, y - u), (0, y + 0.4 * u), [(0.0, pal.tone(hull, 0.08, 0.9), 1.0), (1.0, pal.tone(hull, 0.05, 0.1), 1.0)]))  # fmt: skip
    sail = pal.tone(rgb("#ead9b4"), 0.1, 0.9)
    canvas.stroke([(x, y - 0.3 * u), (x, y - 4.3 * u)], pal.tone(rgb("#4a3426"), 0.05, 0.4), max(1.5, 0.1 * u))
    fill = canvas.linear((x - u, 0), (x + 2 * u, 0), [(0.0, pal.tone(rgb("#ead9b4"), 0.1, 0.5), 1.0), (1.0, sail, 1.0)])
    canvas.path(f"M{x + .1 * u:.1f} {y - 4.2 * u:.1f}Q{x + 2.3 * u:.1f} {y - 2.6 * u:.1f} {x + 1.7 * u:.1f} {y - .8 * u:.1f}L{x + .1 * u:.1f} {y - .65 * u:.1f}Z", fill)
    canvas.path(f"M{x - .1 * u:.1f} {y - 3.9 * u:.1f}Q{x - 1.5 * u:.1f} {y - 2.0 * u:.1f} {x - 1.5 * u:.1f} {y - .9 * u:.1f}L{x - .1 * u:.1f} {y - .7 * u:.1f}Z", pal.tone(rgb("#ead9b4"), 0.12, 0.35))
    for k in range(3):
        yy = y - (3.2 - 0.8 * k) * u
        canvas.stroke([(x + 0.1 * u, yy), (x + (1.0 + 0.3 * k) * u, yy + 0.2 * u)], pal.tone(rgb("#a08a60"), 0.1, 0.4), max(0.8, 0.04 * u), 0.6)
    stage.lamp(x - 1.9 * u, y - 1.1 * u, 1.2 * u)


def _sword(stage: Stage, spot: Spot) -> None:
    """A blade that sticks in the ground (indoors: on a stand), its edge catching the light."""
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    tip, guard = (x, y), (x + 0.22 * s, y - 0.95 * s)
    canvas.polygon([tip, (guard[0] - 0.05 * s, guard[1]), guard], pal.tone(rgb("#dfe6ee"), 0, 1.0))
    canvas.polygon([tip, guard, (guard[0] + 0.05 * s, guard[1] + 0.01 * s)], pal.tone(rgb("#9aa6b4"), 0, 0.4))
    canvas.stroke([(guard[0] - 0.13 * s, guard[1] - 0.02 * s), (guard[0] + 0.14 * s, guard[1] + 0.04 * s)], pal.tone(rgb("#c9a24a"), 0, 0.8), max(2.0, 0.05 * s))
    canvas.stroke([guard, (guard[0] + 0.07 * s, guard[1] - 0.28 * s)], pal.tone(rgb("#4a2a24"), 0, 0.6), max(2.0, 0.05 * s))
    canvas.ellipse(guard[0] + 0.075 * s, guard[1] - 0.3 * s, 0.035 * s, 0.035 * s, pal.tone(rgb("#c9a24a"), 0, 0.9))
    canvas.stroke([(guard[0] + 0.08 * s, guard[1] - 0.3 * s), (guard[0] + 0.16 * s, guard[1] - 0.12 * s), (guard[0] + 0.13 * s, guard[1] + 0.1 * s)], pal.tone(rgb("#b23a3a"), 0, 0.7), max(1.5, 0.03 * s))


def _book(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    y -= 0.02 * s
    for k in range(3):
        canvas.rect(x - (0.24 - 0.02 * k) * s, y - 0.08 * (k + 1) * s, (0.48 - 0.03 * k) * s, 0.078 * s, pal.tone((rgb("#8c3b34"), rgb("#3f5f7f"), rgb("#6b7a4a"))[k], 0, 0.6), 1.0, 0.015 * s)
        canvas.rect(x - (0.22 - 0.02 * k) * s, y - (0.08 * (k + 1) - 0.02) * s, (0.44 - 0.03 * k) * s, 0.02 * s, pal.tone(rgb("#efe6d0"), 0, 0.8))
    top = y - 0.25 * s
    for side in (-1, 1):
        canvas.path(f"M{x:.1f} {top:.1f}Q{x + side * .14 * s:.1f} {top - .1 * s:.1f} {x + side * .3 * s:.1f} {top - .03 * s:.1f}L{x + side * .3 * s:.1f} {top + .02 * s:.1f}Q{x + side * .14 * s:.1f} {top - .05 * s:.1f} {x:.1f} {top + .04 * s:.1f}Z", pal.tone(rgb("#f2ead6"), 0, 0.95 if side > 0 else 0.6))


def _fire(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    canvas, rng = stage.middle, stage.rng("fire")
    for lean in (-0.4, 0.4, -0.15):
        canvas.stroke([(x - lean * s, y), (x + lean * 0.5 * s, y - 0.16 * s)], stage.pal.tone(rgb("#4a3020"), 0, 0.4), 0.1 * s)
    for colour, tall, wide in (("#e8481c", 0.85, 0.34), ("#ff8a24", 0.66, 0.25), ("#ffd24a", 0.45, 0.16), ("#fff4c0", 0.24, 0.09)):
        for dx in (-0.6, 0.0, 0.55):
            t = tall * (1 - 0.35 * abs(dx)) * rng.uniform(0.85, 1.15) * s
            bx, w = x + dx * wide * s, wide * 0.62 * s
            canvas.path(f"M{bx - w:.1f} {y - .05 * s:.1f}Q{bx - w * .9:.1f} {y - t * .5:.1f} {bx + w * .1:.1f} {y - t:.1f}Q{bx + w * .35:.1f} {y - t * .6:.1f} {bx + w:.1f} {y - .05 * s:.1f}Q{bx:.1f} {y + .06 * s:.1f} {bx - w:.1f} {y - .05 * s:.1f}Z", rgb(colour), 0.92)
    for _ in range(16):
        canvas.ellipse(x + rng.gauss(0, 0.22) * s, y - rng.uniform(0.5, 1.9) * s, 0.014 * s, 0.014 * s, rgb("#ffc46a"))
    stage.lamps.append((x, y - 0.3 * s, 1.7 * s, rgb("#ff8a34")))


def _umbrella(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    r, cy = 0.58 * s, y - 0.55 * s
    contact_like = times(pal.shadow, 0.4)
    soft_ellipse(canvas, x, y, 0.6 * s, 0.1 * s, contact_like, 0.5)
    canvas.stroke([(x + 0.1 * s, cy), (x + 0.42 * s, y - 0.02 * s)], pal.tone(rgb("#6b4a30"), 0, 0.5), max(1.5, 0.035 * s))
    ribs = 8
    rim = [(x + math.cos(math.pi + math.pi * k / ribs - 0.25) * r, cy + 0.12 * s + math.sin(math.pi + math.pi * k / ribs - 0.25) * r * 0.2) for k in range(ribs + 1)]
    apex = (x - 0.16 * s, cy - 0.42 * s)
    for k in range(ribs):
        tint = rgb("#c8433a") if k % 2 else rgb("#d8574a")
        mid = ((rim[k][0] + rim[k + 1][0]) / 2, (rim[k][1] + rim[k + 1][1]) / 2 + 0.03 * s)
        canvas.path(f"M{apex[0]:.1f} {apex[1]:.1f}Q{(apex[0] + rim[k][0]) / 2:.1f} {(apex[1] + rim[k][1]) / 2 - .09 * s:.1f} {rim[k][0]:.1f} {rim[k][1]:.1f}Q{mid[0]:.1f} {mid[1]:.1f} {rim[k + 1][0]:.1f} {rim[k + 1][1]:.1f}"
                    f"Q{(apex[0] + rim[k + 1][0]) / 2:.1f} {(apex[1] + rim[k + 1][1]) / 2 - .09 * s:.1f} {apex[0]:.1f} {apex[1]:.1f}Z", pal.tone(tint, 0, 0.3 + 0.65 * k / ribs))  # fmt: skip


def _car(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    soft_ellipse(canvas, x, y, 2.1 * s, 0.22 * s, (0.02, 0.02, 0.04), 0.7)
    body = stage.rng("car").choice((rgb("#b8392f"), rgb("#d6a83a"), rgb("#3f6f9c"), rgb("#5c6470")))
    canvas.path(f"M{x - 1.9 * s:.1f} {y - .25 * s:.1f}v{-.45 * s:.1f}q{.1 * s:.1f} {-.18 * s:.1f} {.7 * s:.1f} {-.24 * s:.1f}q{.45 * s:.1f} {-.5 * s:.1f} {1.2 * s:.1f} {-.5 * s:.1f}q{.7 * s:.1f} 0 {1.0 * s:.1f} {.5 * s:.1f}q{.8 * s:.1f} {.05 * s:.1f} {.9 * s:.1f} {.3 * s:.1f}v{.39 * s:.1f}z",
                canvas.linear((0, y - 1.4 * s), (0, y - 0.2 * s), [(0.0, pal.tone(body, 0, 1.0), 1.0), (0.5, pal.tone(body, 0, 0.6), 1.0), (1.0, pal.tone(body, 0, 0.1), 1.0)]))  # fmt: skip
    canvas.path(f"M{x - 1.0 * s:.1f} {y - .95 * s:.1f}q{.35 * s:.1f} {-.38 * s:.1f} {.95 * s:.1f} {-.38 * s:.1f}q{.55 * s:.1f} 0 {.8 * s:.1f} {.38 * s:.1f}z", mix(pal.tone(rgb("#2c3846"), 0, 0.4), pal.sky[2], 0.3))
    for dx in (-1.15, 1.2):
        canvas.ellipse(x + dx * s, y - 0.25 * s, 0.34 * s, 0.34 * s, rgb("#17181c"))
        canvas.ellipse(x + dx * s, y - 0.25 * s, 0.18 * s, 0.18 * s, pal.tone(rgb("#a9adb4"), 0, 0.6))
    canvas.ellipse(x + 1.8 * s, y - 0.62 * s, 0.1 * s, 0.08 * s, rgb("#fff2c4"))
    stage.lamp(x + 1.85 * s, y - 0.62 * s, 1.0 * s)


def _balloon(stage: Stage, spot: Spot) -> None:
    view, pal, canvas, rng = stage.view, stage.pal, stage.back, stage.rng("balloon")
    for k in range(3):
        r = view.height * (0.10, 0.05, 0.034)[k]
        x, y = view.width * (0.5 - view.side * (0.16, 0.36, 0.02)[k]), view.height * (0.26, 0.2, 0.36)[k]
        tints = rng.sample(("#d8503f", "#f0c04a", "#4a8ac0", "#f2ece0", "#6aa86a", "#a86ab8"), 2)
        for n in range(7):
            half = r * math.cos(math.pi * n / 14)
            canvas.ellipse(x, y, half, r * 1.08, pal.tone(rgb(tints[n % 2]), 0.15 + 0.1 * k, 0.55 + 0.06 * n))
        canvas.polygon([(x - r * 0.45, y + r * 0.92), (x + r * 0.45, y + r * 0.92), (x + r * 0.12, y + r * 1.5), (x - r * 0.12, y + r * 1.5)], pal.tone(rgb(tints[0]), 0.2, 0.3))
        canvas.rect(x - r * 0.14, y + r * 1.62, r * 0.28, r * 0.2, pal.tone(rgb("#7a5236"), 0.15, 0.5), 1.0, r * 0.03)
        for dx in (-0.12, 0.12):
            canvas.stroke([(x + dx * r, y + r * 1.45), (x + dx * r, y + r * 1.65)], pal.tone(rgb("#4a3426"), 0.15, 0.4), max(0.8, r * 0.015))


def _flowers(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    rng = stage.rng("flower")
    pink = (rgb("#f08fb0"), rgb("#f6b8c8"), rgb("#e8695a"))
    for _ in range(14):
        px, py = x + rng.gauss(0, 0.4) * s, y - abs(rng.gauss(0.18, 0.14)) * s
        stage.middle.stroke([(px, y), (px + rng.uniform(-0.03, 0.03) * s, py)], stage.pal.tone(rgb("#5c8a3e"), 0, 0.5), max(1.0, 0.015 * s))
        leaf_at(stage.middle, rng, (px, y - 0.1 * s), 0.12 * s, stage.pal.tone(rgb("#5c8a3e"), 0, 0.8))
        flower_patch(stage.middle, rng, (px, py), 0.07 * s, stage.pal.tone(rng.choice(pink), 0, 0.9))


def _tea(stage: Stage, spot: Spot) -> None:
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    white = rgb("#ece6d8")
    contact = times(pal.shadow, 0.35)
    soft_ellipse(canvas, x, y, 0.24 * s, 0.05 * s, contact, 0.6)
    canvas.path(f"M{x - .15 * s:.1f} {y - .2 * s:.1f}h{.3 * s:.1f}q0 {.2 * s:.1f} {-.15 * s:.1f} {.2 * s:.1f}t{-.15 * s:.1f} {-.2 * s:.1f}z", canvas.linear((x - 0.15 * s, 0), (x + 0.15 * s, 0), [(0.0, pal.tone(white, 0, 0.4), 1.0), (1.0, pal.tone(white, 0, 1.0), 1.0)]))
    canvas.ellipse(x, y - 0.2 * s, 0.15 * s, 0.035 * s, pal.tone(rgb("#a5743c"), 0, 0.7))
    for k in (-1, 1):
        canvas.stroke([(x + k * 0.03 * s, y - 0.26 * s), (x + k * 0.09 * s, y - 0.4 * s), (x, y - 0.55 * s)], pal.tone(white, 0, 1.0), max(1.2, 0.02 * s), 0.4)


def _spaceship(stage: Stage, spot: Spot) -> None:
    view, canvas = stage.view, stage.back
    x, y, u = view.width * (0.5 + view.side * 0.12), view.height * 0.42, view.height * 0.05
    metal, glow = rgb("#aab4c4"), rgb("#6ad0ff")
    for k in range(5):
        canvas.ellipse(x - (3.4 + 0.7 * k) * u, y + (0.2 + 0.12 * k) * u, (0.9 - 0.1 * k) * u, (0.22 - 0.03 * k) * u, glow, 0.5 - 0.08 * k)
    canvas.path(f"M{x + 4 * u:.1f} {y - .3 * u:.1f}Q{x + 1.2 * u:.1f} {y - 1.2 * u:.1f} {x - 3 * u:.1f} {y - .7 * u:.1f}L{x - 3.3 * u:.1f} {y + .4 * u:.1f}Q{x + .5 * u:.1f} {y + .7 * u:.1f} {x + 4 * u:.1f} {y - .3 * u:.1f}Z",
                canvas.linear((0, y - u), (0, y + 0.7 * u), [(0.0, stage.pal.tone(metal, 0, 1.0), 1.0), (1.0, stage.pal.tone(metal, 0, 0.1), 1.0)]))  # fmt: skip
    for side, drop in ((-1, -1.7), (1, 1.3)):
        canvas.polygon([(x - 0.2 * u, y + side * 0.35 * u), (x - 2.7 * u, y + drop * u), (x - 3.2 * u, y + drop * u * 0.95), (x - 2.2 * u, y + side * 0.2 * u)], stage.pal.tone(times(metal, 0.7), 0, 0.3 if side > 0 else 0.8))
    canvas.path(f"M{x + 2.2 * u:.1f} {y - .72 * u:.1f}Q{x + 1.4 * u:.1f} {y - 1.25 * u:.1f} {x + .5 * u:.1f} {y - .98 * u:.1f}Z", mix(glow, (1.0, 1.0, 1.0), 0.5))
    for k in range(7):
        canvas.ellipse(x + (1.6 - 0.6 * k) * u, y - 0.1 * u, 0.08 * u, 0.08 * u, rgb("#ffe9a8"))
    stage.lamps.append((x - 3.5 * u, y, 2.2 * u, glow))


PROPS: dict[str, Callable[[Stage, Spot], None]] = {
    "lantern": _lantern, "boat": _boat, "sword": _sword, "book": _book, "fire": _fire, "umbrella": _umbrella, "car": _car,
    "balloon": _balloon, "flower": _flowers, "tea": _tea, "spaceship": _spaceship, "horse": creatures.horse, "bird": creatures.birds,
    "robot": creatures.robot, "cat": creatures.cat, "dog": creatures.dog, "dragon": creatures.dragon,
}  # fmt: skip
