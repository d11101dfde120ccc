"""A small complete engine: a picture that fades from one colour to another, both taken from the seed."""

from __future__ import annotations

import colorsys
from typing import ClassVar

from PIL import Image, __version__

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from schemas.errors import RenderError
from schemas.specs import ShotSpec, Spec

STEPS = 16  # bands a picture is painted in; between two bands progress is told and a cancellation noticed


class GradientEngine:
    """Image engine `gradient`."""

    name: ClassVar[str] = "gradient"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("3 bytes of memory a pixel",)

    def setup(self) -> None:
        """There is nothing to load; an engine with weights loads them here."""

    def estimate(self, spec: Spec) -> Estimate:
        """About 90 ms a megapixel on one core of 2020."""
        pixels = spec.width * spec.height if isinstance(spec, ShotSpec) else 0
        return Estimate(seconds=pixels * 90e-9, steps=STEPS)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Paint from the top to the bottom. Raises `RenderError` for another kind of spec."""
        if not isinstance(spec, ShotSpec):
            raise RenderError(f"gradient paints shots, not {type(spec).__name__}", code="spec_kind")
        top, bottom = _colour(spec.seed, 1.0), _colour(spec.seed + 1, 0.4)
        picture = Image.new("RGB", (spec.width, spec.height))
        for step in range(STEPS):
            for y in range(step * spec.height // STEPS, (step + 1) * spec.height // STEPS):
                share = y / spec.height
                mixed = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
                picture.paste(mixed, (0, y, spec.width, y + 1))
            context.progress(step + 1, STEPS)
        path = context.workdir / f"main.{spec.output_format}"
        picture.save(path)
        media = {"width": spec.width, "height": spec.height}
        main = OutputFile(role="main", path=path, content_type=f"image/{spec.output_format}", media=media)
        recipe = {"engine": self.name, "version": self.version, "pillow": __version__, "seed": spec.seed} | media
        return RenderOutput(files=[main], recipe=recipe, summary={"top": top, "bottom": bottom})

    def cancel(self) -> None:
        """The next call of `context.progress` stops the render; there is no other thing to stop."""


def _colour(seed: int, brightness: float) -> tuple[int, int, int]:
    """An RGB colour (0-255) whose hue walks the colour circle by the golden ratio as the seed grows."""
    red, green, blue = colorsys.hsv_to_rgb(seed * 0.618034 % 1.0, 0.6, brightness)
    return round(red * 255), round(green * 255), round(blue * 255)
