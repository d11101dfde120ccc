"""Water surfaces and their banks."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import RGB, mix, times
from gpu_agents.engines.sketch.places.land import SNOW
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.terrain import fractal_line


def water(stage: Stage, colour: RGB) -> None:
    """Water from the horizon down, to be mirrored when the layer is rasterised; the tint is its own colour."""
    view, pal = stage.view, stage.pal
    deep, far = pal.tone(colour, 0.0, 0.4), mix(pal.tone(colour, 0.7, 0.8), pal.sky[2], 0.5)
    fill = stage.back.linear((0, view.horizon), (0, view.height), [(0.0, far, 1.0), (1.0, deep, 1.0)])
    stage.back.rect(0, view.horizon, view.width, view.height - view.horizon, fill)
    stage.water = view.horizon


def shore(stage: Stage, colour: RGB, foam: bool) -> None:
    """The bank under the figure: land in front of a waving line, with wet rim and foam."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    rng = stage.rng("shore")
    wave = fractal_line(rng, 30, 2, 4)
    reach = view.figure_depth * 1.22
    line = [
        view.at((i / 29 - 0.5) * 2.4 * reach / view.focal * view.width, 0, reach * (1 + 0.55 * (float(wave[i]) - 0.3)))
        for i in range(30)
    ]
    for drop, shade, opacity in (
        (0.0, mix(pal.tone(colour, 0.1, 0.2), pal.sky[2], 0.2), 0.8),
        (0.006, times(pal.tone(colour, 0, 0.5), 0.8), 1.0),
    ):
        canvas.blob(
            [
                *((x, y + drop * view.height) for x, y in line),
                (view.width * 1.3, view.height * 1.2),
                (-view.width * 0.3, view.height * 1.2),
            ],
            shade,
            opacity,
        )
    near = canvas.linear(
        (0, line[15][1]),
        (0, view.height),
        [(0.0, pal.tone(colour, 0.1, 0.85), 1.0), (1.0, pal.tone(colour, 0.0, 0.45), 1.0)],
    )
    inset = [(x, y + view.height * 0.022) for x, y in line]
    canvas.blob([*inset, (view.width * 1.3, view.height * 1.2), (-view.width * 0.3, view.height * 1.2)], near)
    if foam:
        canvas.stroke(line, mix(pal.tone(SNOW, 0, 0.9), pal.sky[2], 0.2), view.height * 0.005, 0.85)
        canvas.stroke([(x, y - view.height * 0.02) for x, y in line], pal.tone(SNOW, 0, 0.9), view.height * 0.0022, 0.5)
