"""Things that a prompt names, placed beside the figure or in the sky."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch import beings, creatures, still_life, vehicles
from gpu_agents.engines.sketch.body import Spot
from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.held import fallen_umbrella
from gpu_agents.engines.sketch.places.buildings import lantern
from gpu_agents.engines.sketch.stage import Stage


def draw_props(stage: Stage) -> None:
    """Every object of the brief; ground objects take turns on both sides of the figure."""
    held = held_objects(stage)
    for number, name in enumerate(name for name in stage.brief.objects if name not in held):
        PROPS[name](stage, _spot(stage, number))


def held_objects(stage: Stage) -> tuple[str, ...]:
    """Objects that the first person carries instead of their lying about."""
    if not stage.brief.named and stage.brief.people not in (1, 2):
        return ()
    return tuple(name for name in stage.brief.objects if name in ("umbrella", "sword"))


def _spot(stage: Stage, number: int) -> Spot:
    view = stage.view
    z = view.figure_depth * (1.12 + 0.16 * number)
    side = -view.side if number % 2 == 0 else view.side
    away = (1.15 + 0.45 * (number // 2)) if number % 2 == 0 else 0.95
    x = (view.figure_x - view.width / 2) / view.scale(view.figure_depth) + side * away * max(
        1.0, view.figure_depth / 3.2
    )
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
            stage.sky_layer.path(
                f"M{x - size * 0.42:.1f} {y + size:.1f}Q{x - size * 0.75:.1f} {y:.1f} {x - size * 0.4:.1f}"
                f" {y - size * 0.5:.1f}Q{x:.1f} {y - size * 0.8:.1f} {x + size * 0.4:.1f} {y - size * 0.5:.1f}"
                f"Q{x + size * 0.75:.1f} {y:.1f} {x + size * 0.42:.1f} {y + size:.1f}Z",
                stage.sky_layer.linear(
                    (0, y - size),
                    (0, y + size),
                    [(0.0, times(warm, 0.8), 1.0), (1.0, mix(warm, rgb("#fff3cf"), 0.6), 1.0)],
                ),
            )
            stage.lamp(x, y + size * 0.3, size * 2.4, times(warm, 0.8))
        return
    (x, y), s = spot
    stage.middle.stroke(
        [(x, y), (x, y - 1.9 * s), (x + 0.35 * s, y - 2.0 * s)],
        stage.pal.tone(rgb("#4a3426"), 0, 0.4),
        max(1.5, 0.05 * s),
    )
    lantern(stage, stage.middle, (x + 0.35 * s, y - 2.0 * s), 0.42 * s)


def _umbrella(stage: Stage, spot: Spot) -> None:
    fallen_umbrella(stage, *spot)


PROPS: dict[str, Callable[[Stage, Spot], None]] = {
    "lantern": _lantern,
    "boat": vehicles.boat,
    "sword": still_life.sword,
    "book": still_life.book,
    "fire": still_life.fire,
    "umbrella": _umbrella,
    "car": vehicles.car,
    "balloon": vehicles.balloon,
    "flower": still_life.flowers,
    "tea": still_life.tea,
    "spaceship": vehicles.spaceship,
    "horse": creatures.horse,
    "bird": creatures.birds,
    "robot": beings.robot,
    "cat": creatures.cat,
    "dog": creatures.dog,
    "dragon": beings.dragon,
}
