"""`SketchEngine`: a drawn picture per shot, on one CPU core, without weights, the same bytes for the same spec."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import resvg_py

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.sketch import files, finish, people, weather
from gpu_agents.engines.sketch.brief import Brief, plan
from gpu_agents.engines.sketch.composition import View
from gpu_agents.engines.sketch.framing import draw_framing
from gpu_agents.engines.sketch.given import load_given
from gpu_agents.engines.sketch.grade import grade
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.places import draw_place
from gpu_agents.engines.sketch.props import draw_props
from gpu_agents.engines.sketch.stage import Stage
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import ShotSpec, Spec

Float = npt.NDArray[Any]
STEPS = 9
_PREVIEW_STEPS = (3, 5, 7)


class SketchEngine:
    """Image engine of the laptop: vector layers by resvg, light and paper by numpy. `name` is the entry point's name."""

    name: ClassVar[str] = "sketch"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "2"

    def setup(self) -> None:
        """Draw one dot, so that a broken renderer is known before the first shot. Raises `ConfigurationError`."""
        probe = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4" fill="#fff"/></svg>'
        try:
            resvg_py.svg_to_bytes(svg_string=probe, skip_system_fonts=True)
        except ValueError as error:
            raise ConfigurationError(f"engine sketch: resvg cannot draw: {error}") from error

    def estimate(self, spec: Spec) -> Estimate:
        """About 0.9 s a megapixel on one core of 2020s hardware, and 0.15 s a character."""
        shot = _shot(spec)
        return Estimate(seconds=0.3 + 0.9 * shot.width * shot.height / 1e6 + 0.15 * len(shot.characters), steps=STEPS)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Draw the shot; files `main` and `thumbnail`. Raises `RenderError` for bad sizes, missing or unreadable inputs."""
        shot = _shot(spec)
        _check(shot)
        brief, view, pal = plan(shot)
        report = _Reporter(context)
        report.step(1)
        if shot.image_key:
            picture, stage = load_given(shot, context.inputs), Stage.of(brief, view, pal)
            report.step(6, picture)
        else:
            picture, stage = self._draw(shot, brief, view, pal, context, report)
        pixels = self._finish(shot, stage, picture, report)
        return self._write(shot, stage, pixels, context, report)

    def cancel(self) -> None:
        """The context's order to stop is looked at between the layers, several times a second."""

    def _draw(
        self, shot: ShotSpec, brief: Brief, view: View, pal: Palette, context: RenderContext, report: _Reporter
    ) -> tuple[Float, Stage]:
        stage = Stage.of(brief, view, pal)
        draw_place(stage)
        draw_props(stage)
        people.draw_crowd(stage)
        people.ground_shadows(stage, len(shot.characters) or (brief.people if brief.people <= 2 else 0))
        draw_framing(stage)
        report.step(2)
        picture = finish.to_float(stage.back.raster())
        report.step(3, picture)
        finish.mirror(stage, picture)
        finish.over(picture, stage.middle.raster())
        peopled = bool(shot.characters) or brief.people > 0
        picture = finish.blurred(picture, view.blur if peopled else view.blur * 0.15)
        report.step(4)
        finish.lamps(stage, picture)
        finish.shafts(stage, picture)
        report.step(5, picture)
        people.draw_people(stage, picture, shot.characters, context.inputs)
        if not stage.front.empty:
            finish.over(picture, stage.front.raster(), blur=view.height / (130 if brief.indoors else 170))
        report.step(6)
        return picture, stage

    def _finish(self, shot: ShotSpec, stage: Stage, picture: Float, report: _Reporter) -> npt.NDArray[Any]:
        if not shot.image_key:
            weather.apply(stage, picture)
        report.step(7, picture)
        finish.bloom(picture, stage.pal)
        if not shot.image_key:
            picture = finish.rotated(picture, stage.view.roll)
        pixels = grade(picture, stage.pal, stage.brief.style, shot.seed)
        report.step(8)
        return pixels

    def _write(
        self, shot: ShotSpec, stage: Stage, pixels: npt.NDArray[Any], context: RenderContext, report: _Reporter
    ) -> RenderOutput:
        recipe = recipe_of(shot)
        main = context.workdir / f"picture.{'jpg' if shot.output_format == 'jpeg' else shot.output_format}"
        main.write_bytes(files.encode(pixels, shot.output_format, recipe))
        thumbnail = context.workdir / "thumbnail.jpg"
        thumbnail.write_bytes(files.small_jpeg(pixels, files.THUMBNAIL_SIDE))
        width, height = files.thumbnail_size(shot.width, shot.height)
        report.step(STEPS)
        brief = stage.brief
        return RenderOutput(
            files=[
                OutputFile(
                    role="main",
                    path=main,
                    content_type=files.CONTENT_TYPES[shot.output_format],
                    media={"width": shot.width, "height": shot.height},
                ),
                OutputFile(
                    role="thumbnail",
                    path=thumbnail,
                    content_type="image/jpeg",
                    media={"width": width, "height": height},
                ),
            ],
            recipe=recipe,
            summary={
                "place": brief.place,
                "light": stage.pal.name,
                "camera": shot.camera,
                "mood": shot.mood,
                "weather": sorted(brief.weather),
                "objects": list(brief.objects),
                "structures": list(brief.structures),
            },
        )


class _Reporter:
    """Progress with a small preview at a few steps."""

    def __init__(self, context: RenderContext) -> None:
        self._report: Callable[[int, int, bytes | None], None] = context.progress

    def step(self, number: int, picture: Float | None = None) -> None:
        preview = None
        if picture is not None and number in _PREVIEW_STEPS:
            height, width = picture.shape[:2]
            scale = files.PREVIEW_SIDE / max(height, width)
            small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_NEAREST)
            preview = files.small_jpeg(np.asarray(np.clip(small * 255, 0, 255), dtype=np.uint8), files.PREVIEW_SIDE, 70)
        self._report(number, STEPS, preview)


def recipe_of(shot: ShotSpec) -> dict[str, Any]:
    """Everything that repeats the picture: engine, libraries and every parameter of the spec."""
    libraries = {name: version(name) for name in ("resvg-py", "numpy", "opencv-python-headless", "pillow")}
    libraries["python"] = platform.python_version()
    parameters = msgspec.to_builtins(shot)
    return {
        "engine": SketchEngine.name,
        "version": SketchEngine.version,
        "libraries": libraries,
        "seed": shot.seed,
        "parameters": parameters,
    }


def _shot(spec: Spec) -> ShotSpec:
    if not isinstance(spec, ShotSpec):
        raise RenderError(f"engine sketch renders shots, not {type(spec).__name__}", code="spec_kind")
    return spec


def _check(shot: ShotSpec) -> None:
    for name, value in (("width", shot.width), ("height", shot.height)):
        if not 512 <= value <= 2048 or value % 8:
            raise RenderError(f"{name}: {value} is not a multiple of 8 between 512 and 2048", code="bad_size")
