"""Drawn people: body, clothes, hair and, near the eye, a face. Measured in metres above the feet."""

from __future__ import annotations

from gpu_agents.engines.sketch.clothes import Dressed
from gpu_agents.engines.sketch.face import draw_back_hair, draw_head
from gpu_agents.engines.sketch.look import Look
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

HEIGHT = 1.72  # metres, crown of the head


def draw_figure(
    stage: Stage,
    canvas: Canvas,
    foot: Point,
    scale: float,
    look: Look,
    depth: float = 0.0,
    head: bool = True,
    away: bool = False,
    stretch: float = 1.0,
) -> None:
    """A standing person; `scale` pixels a metre, `away` shows the back, `head` False leaves room for a portrait,
    `stretch` widens the body.
    """
    scale *= look.size
    side = 1.0 if stage.sun is not None and stage.sun[0] > foot[0] else -1.0
    figure = Dressed(stage, canvas, foot, scale, look, depth, side, stretch)
    crown = (foot[0], foot[1] - 1.575 * scale)
    big = scale * 1.12  # heads a little large, as in animation
    if head and look.long_hair and not away:
        draw_back_hair(canvas, crown, big, look.hair, stage.pal, depth)
    if look.robe:
        figure.robe(away)
    else:
        figure.coat(away)
    if not head:
        return
    if look.long_hair and away:
        draw_back_hair(canvas, crown, big, look.hair, stage.pal, depth)
    draw_head(
        canvas,
        crown,
        big,
        look.skin,
        look.hair,
        stage.pal,
        depth,
        side,
        long_hair=look.long_hair,
        bun=look.robe,
        old=look.old,
        away=away,
    )
