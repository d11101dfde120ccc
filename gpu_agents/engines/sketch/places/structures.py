"""Landmarks that stand in a landscape: temple, castle, palace, bridge, lighthouse, gate, ruins, hut."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch.colour import mix, rgb
from gpu_agents.engines.sketch.places.buildings import pagoda
from gpu_agents.engines.sketch.places.siting import footing, greenery, site, temple_hall
from gpu_agents.engines.sketch.places.strongholds import castle, palace
from gpu_agents.engines.sketch.places.wayside import bridge, gate, hut, ruins
from gpu_agents.engines.sketch.stage import Stage

STONE = rgb("#9a968e")


def draw_structures(stage: Stage) -> None:
    """Every landmark of the brief, beside the figure; over water on the far shore, so that it is mirrored."""
    for number, name in enumerate(stage.brief.structures):
        STRUCTURES[name](stage, number)


def temple(stage: Stage, number: int) -> None:
    """A pagoda beside a hall on a terrace."""
    canvas, foot, scale, depth = site(stage, number, 34)
    footing(stage, canvas, foot, 16 * scale)
    canvas.rect(
        foot[0] - 8.5 * scale, foot[1] - 1.2 * scale, 17 * scale, 1.3 * scale, stage.pal.tone(STONE, depth, 0.6)
    )
    pagoda(stage, canvas, (foot[0] + stage.view.side * -4.5 * scale, foot[1] - 1.2 * scale), 17 * scale, depth)
    temple_hall(
        stage, canvas, (foot[0] + stage.view.side * 3.2 * scale, foot[1] - 1.2 * scale), 9 * scale, 5.2 * scale, depth
    )
    greenery(stage, canvas, foot, 19 * scale, depth)


def lighthouse(stage: Stage, number: int) -> None:
    """A banded tower on rocks whose beam sweeps at night."""
    canvas, foot, scale, depth = site(stage, number, 38, 0.28)
    pal = stage.pal
    x, y = foot
    canvas.blob(
        [
            (x - 6 * scale, y + 2),
            (x - 3 * scale, y - 2.4 * scale),
            (x + 2.5 * scale, y - 2.8 * scale),
            (x + 6.5 * scale, y + 2),
        ],
        pal.tone(rgb("#6d6a70"), depth, 0.35),
    )
    base, tall = y - 2.3 * scale, 13 * scale
    for k in range(5):
        w1, w2 = (1.7 - 0.16 * k) * scale, (1.7 - 0.16 * (k + 1)) * scale
        y1, y2 = base - tall * k / 5, base - tall * (k + 1) / 5
        band = rgb("#c2453a") if k % 2 else rgb("#f0ece2")
        fill = canvas.linear(
            (x - w1, 0), (x + w1, 0), [(0.0, pal.tone(band, depth, 0.95), 1.0), (1.0, pal.tone(band, depth, 0.15), 1.0)]
        )
        canvas.polygon([(x - w1, y1), (x - w2, y2), (x + w2, y2), (x + w1, y1)], fill)
    top = base - tall
    canvas.rect(x - 1.15 * scale, top - 0.25 * scale, 2.3 * scale, 0.3 * scale, pal.tone(rgb("#33363c"), depth, 0.4))
    canvas.rect(x - 0.6 * scale, top - 1.6 * scale, 1.2 * scale, 1.4 * scale, mix(pal.glow(), (1.0, 1.0, 0.9), 0.4))
    canvas.polygon(
        [(x - 0.9 * scale, top - 1.6 * scale), (x, top - 2.7 * scale), (x + 0.9 * scale, top - 1.6 * scale)],
        pal.tone(rgb("#a53c30"), depth, 0.5),
    )
    if pal.lamps > 0.5:
        cy = top - 0.9 * scale
        for side in (-1, 1):
            end = x + side * stage.view.width * 0.6
            beam = canvas.linear((x, 0), (end, 0), [(0.0, pal.glow(), 0.65), (1.0, pal.glow(), 0.0)])
            canvas.polygon([(x, cy - 2), (end, cy - 4.5 * scale), (end, cy + 2.0 * scale), (x, cy + 2)], beam)
        stage.lamp(x, cy, 3 * scale)


STRUCTURES: dict[str, Callable[[Stage, int], None]] = {
    "temple": temple,
    "castle": castle,
    "palace": palace,
    "bridge": bridge,
    "lighthouse": lighthouse,
    "gate": gate,
    "ruins": ruins,
    "hut": hut,
}
