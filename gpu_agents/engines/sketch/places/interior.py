"""The shell of a room: floor, walls, ceiling, windows, and the light that comes in."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.solids import NEAR, quad, rect_at
from gpu_agents.engines.sketch.stage import Stage

FloorKind = Literal["planks", "tiles", "plain"]


class Room(Struct, frozen=True):
    """Measures of a room in metres; x runs from -width/2 to width/2, z from the eye to `depth`."""

    width: float
    height: float
    depth: float
    wall: RGB
    floor: RGB
    ceiling: RGB

    @property
    def half(self) -> float:
        """Half of the width."""
        return self.width / 2


def room_of(stage: Stage, width: float, height: float, depth: float, wall: str, floor: str, ceiling: str) -> Room:
    """A room that is deep enough for the figure of this shot."""
    return Room(width, height, max(depth, stage.view.figure_depth + 2.6), rgb(wall), rgb(floor), rgb(ceiling))


def shell(
    stage: Stage, room: Room, floor: FloorKind = "planks", beams: bool = False, wainscot: RGB | None = None
) -> None:
    """Draw the five visible faces of the room on the back layer."""
    canvas, h, d, half = stage.back, room.height, room.depth, room.half
    canvas.rect(0, 0, stage.view.width, stage.view.height, stage.pal.tone(room.wall, 0.1, 0.3))
    quad(stage, canvas, [(-half, 0, NEAR), (half, 0, NEAR), (half, 0, d), (-half, 0, d)], room.floor, 0.62)
    quad(stage, canvas, [(-half, h, NEAR), (half, h, NEAR), (half, h, d), (-half, h, d)], room.ceiling, 0.3)
    sunny = -stage.view.side  # the side the window light falls on is away from the figure
    for side in (-1, 1):
        quad(
            stage,
            canvas,
            [(side * half, 0, NEAR), (side * half, h, NEAR), (side * half, h, d), (side * half, 0, d)],
            room.wall,
            0.36 if side == sunny else 0.58,
        )
    left, top, w, tall = rect_at(stage, -half, 0, d, room.width, h)
    lit, dim = stage.pal.tone(room.wall, 0.08, 0.8), stage.pal.tone(room.wall, 0.08, 0.4)
    centre = stage.view.width * (0.5 - stage.view.side * 0.22)
    canvas.rect(
        left, top, w, tall, canvas.radial(centre, top + tall * 0.4, w * 0.75, [(0.0, lit, 1.0), (1.0, dim, 1.0)])
    )
    if wainscot is not None:
        panel(stage, room, wainscot)
    _floor_pattern(stage, room, floor)
    if beams:
        for k in range(6):
            z = d * (k + 0.5) / 6
            quad(
                stage,
                canvas,
                [(-half, h - 0.22, z), (half, h - 0.22, z), (half, h, z), (-half, h, z)],
                times(room.ceiling, 0.72),
                0.35,
            )
            quad(
                stage,
                canvas,
                [(-half, h - 0.22, z), (half, h - 0.22, z), (half, h - 0.22, z + 0.25), (-half, h - 0.22, z + 0.25)],
                times(room.ceiling, 0.6),
                0.2,
            )
    _corner_shade(stage, room)


def ceiling_panels(stage: Stage, room: Room) -> None:
    """Rows of flat lights in the ceiling of a modern room."""
    bright = mix(stage.pal.glow(), (1.0, 1.0, 1.0), 0.6) if stage.pal.lamps > 0.2 else (0.97, 0.98, 1.0)
    for k in range(4):
        z = 1.2 + (room.depth - 2.0) * k / 3
        for x in (-room.half * 0.45, room.half * 0.45):
            corners = [
                stage.view.at(x + dx, room.height - 0.01, z + dz)
                for dx, dz in ((-0.6, 0.0), (0.6, 0.0), (0.6, 0.45), (-0.6, 0.45))
            ]
            stage.back.polygon(corners, bright, 0.92)
            stage.lamp(*stage.view.at(x, room.height - 0.1, z), 0.8 * stage.view.scale(z))


def panel(stage: Stage, room: Room, colour: RGB, height: float = 1.0) -> None:
    """A wooden dado along back and side walls."""
    half, d, canvas = room.half, room.depth, stage.back
    for side in (-1, 1):
        quad(
            stage,
            canvas,
            [(side * half, 0, NEAR), (side * half, height, NEAR), (side * half, height, d), (side * half, 0, d)],
            colour,
            0.4,
        )
    quad(stage, canvas, [(-half, 0, d), (half, 0, d), (half, height, d), (-half, height, d)], colour, 0.6)
    bays = max(6, int(room.width / 0.8))
    for k in range(bays + 1):
        x = -half + room.width * k / bays
        canvas.stroke(
            [stage.view.at(x, 0, d), stage.view.at(x, height, d)],
            stage.pal.tone(times(colour, 0.6), 0.05, 0.3),
            max(1.0, 0.02 * stage.view.scale(d)),
            0.7,
        )


def _floor_pattern(stage: Stage, room: Room, kind: FloorKind) -> None:
    view, canvas, half = stage.view, stage.back, room.half
    dark = stage.pal.tone(times(room.floor, 0.55), 0.02, 0.4)
    if kind == "planks":
        count = int(room.width / 0.35)
        for k in range(count + 1):
            x = -half + room.width * k / count
            canvas.stroke([view.at(x, 0, NEAR), view.at(x, 0, room.depth)], dark, 1.3, 0.45)
        rng = stage.rng("planks")
        for k in range(count):
            z = rng.uniform(0.8, room.depth)
            x = -half + room.width * k / count
            canvas.stroke([view.at(x, 0, z), view.at(x + room.width / count, 0, z)], dark, 1.2, 0.4)
    if kind == "tiles":
        nx, nz = int(room.width), int(room.depth)
        for i in range(nx + 1):
            for j in range(nz):
                if (i + j) % 2 == 0:
                    x, z = -half + i, 0.4 + j
                    quad(
                        stage,
                        canvas,
                        [(x, 0, z), (min(half, x + 1), 0, z), (min(half, x + 1), 0, z + 1), (x, 0, z + 1)],
                        times(room.floor, 0.72),
                        0.6,
                        0.6,
                    )


def _corner_shade(stage: Stage, room: Room) -> None:
    """Darker corners where walls, floor and ceiling meet: the cheap look of indirect light."""
    canvas = stage.back
    dark = times(stage.pal.shadow, 0.25)
    left, top, w, tall = rect_at(stage, -room.half, 0, room.depth, room.width, room.height)
    reach = w * 0.13
    for x0, x1 in ((left, left + reach), (left + w, left + w - reach)):
        canvas.rect(
            min(x0, x1), top, reach, tall, canvas.linear((x0, 0), (x1, 0), [(0.0, dark, 0.45), (1.0, dark, 0.0)])
        )
    for y0, y1 in ((top, top + tall * 0.16), (top + tall, top + tall * 0.86)):
        canvas.rect(
            left, min(y0, y1), w, abs(y1 - y0), canvas.linear((0, y0), (0, y1), [(0.0, dark, 0.4), (1.0, dark, 0.0)])
        )
    low = top + tall
    canvas.rect(
        left, low, w, tall * 0.1, canvas.linear((0, low), (0, low + tall * 0.1), [(0.0, dark, 0.4), (1.0, dark, 0.0)])
    )
