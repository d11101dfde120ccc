"""A drawn head; details appear as the head grows in the picture."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.svg import Canvas, Point

_OUTLINE = (
    (-0.079, 0.03),
    (-0.076, -0.035),
    (-0.055, -0.088),
    (-0.018, -0.118),
    (0.018, -0.118),
    (0.055, -0.088),
    (0.076, -0.035),
    (0.079, 0.03),
    (0.062, 0.095),
    (0.0, 0.122),
    (-0.062, 0.095),
)


def draw_back_hair(canvas: Canvas, centre: Point, scale: float, hair: RGB, pal: Palette, depth: float) -> None:
    """Long hair that falls behind the shoulders; drawn before the body, or after it when the back is seen."""
    points = (
        (-0.085, 0.08),
        (-0.108, -0.08),
        (-0.125, -0.26),
        (-0.07, -0.36),
        (0.07, -0.36),
        (0.125, -0.26),
        (0.108, -0.08),
        (0.085, 0.08),
        (0.0, 0.13),
    )
    shape = [(centre[0] + x * scale, centre[1] - y * scale) for x, y in points]
    start, end = shape[0], (shape[0][0], shape[4][1])
    canvas.blob(
        shape,
        canvas.linear(start, end, [(0.0, pal.tone(hair, depth, 0.35), 1.0), (1.0, pal.tone(hair, depth, 0.05), 1.0)]),
    )


def draw_head(
    canvas: Canvas,
    centre: Point,
    scale: float,
    skin: RGB,
    hair: RGB,
    pal: Palette,
    depth: float,
    side: float,
    long_hair: bool,
    bun: bool,
    old: bool,
    away: bool,
) -> None:
    """Head around `centre` (px); 0.24 m high at `scale` px a metre; `side` +1 when the light comes from the right."""

    def at(x: float, y: float) -> Point:
        return centre[0] + x * scale, centre[1] - y * scale

    def shape(points: tuple[Point, ...], colour: RGB | str, opacity: float = 1.0) -> None:
        canvas.blob([at(*point) for point in points], colour, opacity)

    dark, mid, shine = (
        pal.tone(hair, depth, 0.1),
        pal.tone(hair, depth, 0.5),
        pal.tone(mix(hair, rgb("#8899bb"), 0.3), depth, 1.0),
    )
    if bun:
        shape(((-0.035, 0.12), (-0.042, 0.165), (0.0, 0.195), (0.042, 0.165), (0.035, 0.12)), mid)
        canvas.stroke([at(-0.062, 0.155), at(0.062, 0.15)], pal.tone(rgb("#c9a24a"), depth, 0.8), scale * 0.009)
    if away:
        shape(
            (
                *_OUTLINE[:2],
                (-0.06, -0.1),
                (0.0, -0.115),
                (0.06, -0.1),
                *_OUTLINE[6:8],
                (0.075, 0.1),
                (0.0, 0.135),
                (-0.075, 0.1),
            ),
            mid,
        )
        return
    for ear in (-1, 1):
        shape(
            ((ear * 0.074, 0.015), (ear * 0.093, 0.02), (ear * 0.088, -0.03), (ear * 0.072, -0.04)),
            pal.tone(times(skin, 0.88), depth, 0.4),
        )
    light, shade = pal.tone(skin, depth, 0.95), pal.tone(times(skin, 0.88), depth, 0.35)
    start, end = at(0.08 * side, 0.03), at(-0.09 * side, -0.02)
    shape(
        _OUTLINE,
        canvas.linear(start, end, [(0.0, light, 1.0), (0.55, mix(light, shade, 0.25), 1.0), (1.0, shade, 1.0)]),
    )
    if scale > 90:
        _features(canvas, at, scale, skin, hair, pal, depth, side, old)
    part = 0.03 * side
    shape(
        (
            (-0.084, 0.015),
            (-0.09, 0.08),
            (-0.05, 0.132),
            (0.0, 0.14),
            (0.05, 0.132),
            (0.09, 0.08),
            (0.084, 0.015),
            (0.07, 0.05),
            (0.045, 0.078),
            (part, 0.092),
            (-0.04, 0.074),
            (-0.068, 0.045),
        ),
        mid,
    )
    if scale > 90:
        for k in range(5):
            x = -0.06 + 0.03 * k
            canvas.stroke(
                [at(x * 0.6 + 0.01 * side, 0.136), at(x * 0.95, 0.12), at(x * 1.15, 0.098)],
                shine if k % 2 else dark,
                scale * 0.004,
                0.5,
            )
        for ear in (-1, 1) if long_hair else ():
            shape(
                (
                    (ear * 0.086, 0.05),
                    (ear * 0.092, -0.06),
                    (ear * 0.085, -0.2),
                    (ear * 0.07, -0.2),
                    (ear * 0.077, -0.05),
                    (ear * 0.07, 0.04),
                ),
                mid,
            )


def _features(
    canvas: Canvas,
    at: Callable[[float, float], Point],
    scale: float,
    skin: RGB,
    hair: RGB,
    pal: Palette,
    depth: float,
    side: float,
    old: bool,
) -> None:
    def shape(points: tuple[Point, ...], colour: RGB, opacity: float = 1.0) -> None:
        canvas.blob([at(*point) for point in points], colour, opacity)

    ink = pal.tone(mix(hair, rgb("#20161a"), 0.7), depth, 0.25)
    blush = pal.tone(rgb("#d9705c"), depth, 0.7)
    for eye in (-1, 1):
        cx = eye * 0.034
        canvas.ellipse(*at(cx + eye * 0.01, -0.035), 0.017 * scale, 0.011 * scale, blush, 0.16)
        shape(
            ((cx - 0.017, 0.003), (cx - 0.004, 0.0125), (cx + 0.01, 0.0115), (cx + 0.017, 0.003), (cx, -0.005)),
            pal.tone(rgb("#f6f2ec"), depth, 0.8),
        )
        canvas.ellipse(*at(cx + 0.001, 0.0035), 0.0085 * scale, 0.0092 * scale, pal.tone(rgb("#4a3526"), depth, 0.5))
        canvas.ellipse(*at(cx + 0.001, 0.0035), 0.0045 * scale, 0.005 * scale, ink)
        canvas.ellipse(*at(cx + 0.004 * side, 0.0065), 0.0022 * scale, 0.0022 * scale, (1.0, 1.0, 1.0), 0.9)
        lid = [
            at(cx - 0.0185 * eye, 0.0015),
            at(cx - 0.005 * eye, 0.0125),
            at(cx + 0.009 * eye, 0.0122),
            at(cx + 0.021 * eye, 0.0045),
        ]
        canvas.stroke(lid, ink, scale * 0.0045)
        brow = [at(cx - 0.018 * eye, 0.031), at(cx + 0.004 * eye, 0.037), at(cx + 0.022 * eye, 0.030)]
        canvas.stroke(brow, pal.tone(hair, depth, 0.3), scale * 0.0062, 0.85)
    shadow = pal.tone(times(skin, 0.68), depth, 0.35)
    canvas.stroke(
        [at(-0.004 * side, 0.012), at(-0.009 * side, -0.02), at(-0.011 * side, -0.034), at(0.003 * side, -0.039)],
        shadow,
        scale * 0.0045,
        0.75,
    )
    shape(
        ((-0.021, -0.068), (-0.006, -0.0625), (0.0, -0.0645), (0.006, -0.0625), (0.021, -0.068), (0.0, -0.0775)),
        pal.tone(rgb("#b5564e"), depth, 0.55),
        0.9,
    )
    canvas.stroke(
        [at(-0.023, -0.068), at(0.0, -0.0695), at(0.023, -0.068)],
        pal.tone(rgb("#6e2f2e"), depth, 0.3),
        scale * 0.0028,
        0.8,
    )
    shape(((-0.05, -0.092), (0.0, -0.105), (0.05, -0.092), (0.03, -0.112), (0.0, -0.12), (-0.03, -0.112)), shadow, 0.35)
    if old:
        for x in (-0.05, 0.05):
            canvas.stroke([at(x, -0.01), at(x * 1.1, -0.03)], shadow, scale * 0.003, 0.6)
        white = pal.tone(rgb("#e4e2dc"), depth, 0.7)
        shape(
            ((-0.04, -0.075), (0.0, -0.088), (0.04, -0.075), (0.032, -0.15), (0.0, -0.24), (-0.032, -0.15)), white, 0.95
        )
