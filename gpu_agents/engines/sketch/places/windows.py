"""Windows of rooms and the light that falls through them."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.places.interior import Room
from gpu_agents.engines.sketch.solids import rect_at
from gpu_agents.engines.sketch.stage import Stage


def outside(stage: Stage, z: float, x: float, y: float, w: float, h: float) -> None:
    """What a window shows: the sky of the hour, with hills or a glow below."""
    canvas, pal = stage.back, stage.pal
    left, top, pw, ph = rect_at(stage, x, y, z, w, h)
    sky = (
        pal.sky
        if pal.name not in ("studio", "candlelight")
        else (pal.sky[0], mix(pal.sky[1], rgb("#4a6a9a"), 0.5), mix(pal.sky[2], rgb("#8aa8c8"), 0.4))
    )
    brighter = 1.0 if pal.dark else 1.12
    stops = [
        (0.0, times(sky[0], brighter), 1.0),
        (0.6, times(sky[1], brighter), 1.0),
        (1.0, times(sky[2], brighter), 1.0),
    ]
    canvas.rect(left, top, pw, ph, canvas.linear((0, top), (0, top + ph), stops))
    if pal.dark:
        canvas.ellipse(left + pw * 0.7, top + ph * 0.28, ph * 0.07, ph * 0.07, pal.sun, 0.95)
    hill = pal.tone(rgb("#5d7a5a"), 0.7, 0.5)
    canvas.path(
        f"M{left:.1f} {top + ph:.1f}V{top + ph * 0.78:.1f}Q{left + pw * 0.3:.1f} {top + ph * 0.6:.1f}"
        f" {left + pw * 0.55:.1f} {top + ph * 0.76:.1f}"
        f"T{left + pw:.1f} {top + ph * 0.7:.1f}V{top + ph:.1f}Z",
        hill,
        0.9,
    )


def window(
    stage: Stage,
    room: Room,
    x: float,
    y: float,
    w: float,
    h: float,
    frame: RGB,
    lattice: int = 2,
    rows: int = 2,
    shaft: bool = True,
) -> None:
    """A window in the back wall; (x, y) = lower left corner. By day it throws a shaft of light to the floor."""
    canvas, pal, z = stage.back, stage.pal, room.depth
    outside(stage, z, x, y, w, h)
    left, top, pw, ph = rect_at(stage, x, y, z, w, h)
    colour, thick = pal.tone(frame, 0.05, 0.5), max(1.5, 0.05 * stage.view.scale(z))
    for k in range(lattice + 1):
        canvas.stroke([(left + pw * k / lattice, top), (left + pw * k / lattice, top + ph)], colour, thick)
    for k in range(rows + 1):
        canvas.stroke([(left, top + ph * k / rows), (left + pw, top + ph * k / rows)], colour, thick)
    canvas.rect(left - thick * 1.6, top + ph, pw + thick * 3.2, thick * 1.8, pal.tone(times(frame, 1.15), 0.05, 0.85))
    if shaft and not pal.dark:
        drift = -stage.view.side * -1.0 * pw * 0.9
        floor = stage.view.at(0, 0, max(1.0, z * 0.45))[1]
        stage.shafts.append(
            [
                (left, top),
                (left + pw, top),
                (left + pw * 1.5 + drift * 1.6, floor),
                (left - pw * 0.1 + drift * 1.6, floor),
            ]
        )
        canvas.glow(left + pw / 2, top + ph / 2, ph * 1.5, pal.sun, 0.3)
    elif shaft:
        canvas.glow(left + pw / 2, top + ph / 2, ph * 1.2, pal.sky[1], 0.25)


def side_windows(
    stage: Stage, room: Room, side: float, count: int, y: float, h: float, frame: RGB, near: float = 1.6
) -> None:
    """Windows along a side wall, seen slantwise."""
    canvas, pal, view = stage.back, stage.pal, stage.view
    span = (room.depth - near) / count
    x = side * room.half
    light = mix(pal.sky[2], pal.sky[1], 0.3)
    for k in reversed(range(count)):
        a, b = near + span * (k + 0.16), near + span * (k + 0.84)
        corners = [view.at(x, y, a), view.at(x, y + h, a), view.at(x, y + h, b), view.at(x, y, b)]
        canvas.polygon(corners, canvas.linear(corners[1], corners[0], [(0.0, pal.sky[1], 1.0), (1.0, light, 1.0)]))
        colour, thick = pal.tone(frame, 0.05, 0.4), max(1.2, 0.06 * view.scale(b))
        canvas.stroke([*corners, corners[0]], colour, thick, smooth=False)
        middle = (a + b) / 2
        canvas.stroke([view.at(x, y, middle), view.at(x, y + h, middle)], colour, thick)
        canvas.stroke([view.at(x, y + h * 0.55, a), view.at(x, y + h * 0.55, b)], colour, thick)
        if not pal.dark:
            reach = room.half * 1.3 * -side
            stage.shafts.append([corners[1], corners[2], view.at(x + reach, 0, b), view.at(x + reach, 0, a)])
