"""Boxes, walls and roofs in perspective: enough geometry for rooms, furniture and streets."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import RGB, mix
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

NEAR = 0.35  # metres; nothing is drawn nearer to the eye


def quad(
    stage: Stage,
    canvas: Canvas,
    corners: list[tuple[float, float, float]],
    colour: RGB,
    lit: float,
    opacity: float = 1.0,
) -> None:
    """A flat face with world corners; far parts take on the haze by a gradient along the longest way in depth."""
    view = stage.view
    corners = [(x, y, max(NEAR, z)) for x, y, z in corners]
    points = [view.at(*corner) for corner in corners]
    nearest = min(corners, key=lambda corner: corner[2])
    farthest = max(corners, key=lambda corner: corner[2])
    near, far = stage.depth(nearest[2]), stage.depth(farthest[2])
    if stage.brief.indoors:
        near, far = near * 0.35, far * 0.35
    first = stage.pal.tone(colour, near, lit)
    if far - near < 0.02:
        canvas.polygon(points, first, opacity)
        return
    last = stage.pal.tone(colour, far, lit * 0.92)
    start, end = view.at(*nearest), view.at(*farthest)
    canvas.polygon(points, canvas.linear(start, end, [(0.0, first, 1.0), (1.0, last, 1.0)]), opacity)


def box(
    stage: Stage,
    canvas: Canvas,
    at: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: RGB,
    lit: tuple[float, float, float] = (0.95, 0.62, 0.34),
) -> None:
    """A box: `at` = least x, y, z, `size` = (width, height, depth) in metres, `lit` = light of top, front, side."""
    (x, y, z), (w, h, d) = at, size
    z = max(NEAR, z)
    x2, y2, z2 = x + w, y + h, z + d
    eye = stage.view.eye
    if x > 0:
        quad(stage, canvas, [(x, y, z), (x, y2, z), (x, y2, z2), (x, y, z2)], colour, lit[2])
    elif x2 < 0:
        quad(stage, canvas, [(x2, y, z), (x2, y2, z), (x2, y2, z2), (x2, y, z2)], colour, lit[2])
    if eye > y2:
        quad(stage, canvas, [(x, y2, z), (x2, y2, z), (x2, y2, z2), (x, y2, z2)], colour, lit[0])
    elif eye < y:
        quad(stage, canvas, [(x, y, z), (x2, y, z), (x2, y, z2), (x, y, z2)], colour, 0.1)
    quad(stage, canvas, [(x, y, z), (x2, y, z), (x2, y2, z), (x, y2, z)], colour, lit[1])


def rect_at(stage: Stage, x: float, y: float, z: float, w: float, h: float) -> tuple[float, float, float, float]:
    """Pixel rectangle (left, top, width, height) of an upright face at depth z; (x, y) its lower left corner in metres."""
    left, bottom = stage.view.at(x, y, z)
    scale = stage.view.scale(z)
    return left, bottom - h * scale, w * scale, h * scale


def contact_shadow(stage: Stage, canvas: Canvas, x: float, z: float, width: float, strength: float = 0.45) -> None:
    """Soft dark ellipse on the ground under something `width` metres wide."""
    cx, cy = stage.view.at(x, 0, z)
    rx = width * stage.view.scale(z) * 0.62
    ry = max(rx * 0.12, rx * min(0.45, stage.view.eye / z * 0.6))
    dark = mix(stage.pal.shadow, (0.0, 0.0, 0.0), 0.75)
    soft_ellipse(canvas, cx, cy, rx, ry, dark, strength)


def soft_ellipse(canvas: Canvas, x: float, y: float, rx: float, ry: float, colour: RGB, strength: float) -> None:
    """An ellipse that fades out: nested ellipses, since a gradient in canvas coordinates is round."""
    for k in range(6):
        t = 1 - k / 7
        canvas.ellipse(x, y, rx * t, ry * t, colour, strength / 4.2)


def upswept_roof(canvas: Canvas, x: float, y: float, width: float, height: float, fill: RGB | str, edge: RGB) -> None:
    """A hipped East Asian roof with raised eaves; (x, y) = middle of its lower edge, pixels."""
    half, ridge = width / 2, width * 0.26
    curl = height * 0.34
    canvas.path(
        f"M{x - half:.1f} {y - curl:.1f}Q{x - half * 0.72:.1f} {y:.1f} {x - half * 0.5:.1f} {y:.1f}"
        f"L{x + half * 0.5:.1f} {y:.1f}"
        f"Q{x + half * 0.72:.1f} {y:.1f} {x + half:.1f} {y - curl:.1f}Q{x + half * 0.55:.1f} {y - height * 0.42:.1f}"
        f" {x + ridge:.1f} {y - height:.1f}"
        f"L{x - ridge:.1f} {y - height:.1f}Q{x - half * 0.55:.1f} {y - height * 0.42:.1f} {x - half:.1f}"
        f" {y - curl:.1f}Z",
        fill,
    )
    points: list[Point] = [
        (x - half, y - curl),
        (x - half * 0.66, y - height * 0.02),
        (x - half * 0.4, y),
        (x + half * 0.4, y),
        (x + half * 0.66, y - height * 0.02),
        (x + half, y - curl),
    ]
    canvas.stroke(points, edge, max(1.0, height * 0.07))
    canvas.stroke([(x - ridge, y - height), (x + ridge, y - height)], edge, max(1.0, height * 0.09))
