"""An image engine whose seed decides which made person comes out: what a re-roll is for."""

from __future__ import annotations

from typing import ClassVar

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.faces.identity import roll_seed
from schemas.errors import RenderError
from schemas.specs import ShotSpec, Spec
from tests.tiny_models.faces import FACE, in_a_picture, made_face

HERO, STRANGER = 1, 2


class CastingEngine:
    """Draws a stranger, and the hero only on the roll that the prompt names ("hero on roll 2"; "nobody" draws no face)."""

    name: ClassVar[str] = "casting"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "1"

    def setup(self) -> None:
        """There is nothing to load."""

    def estimate(self, spec: Spec) -> Estimate:  # noqa: ARG002
        """A moment."""
        return Estimate(seconds=0.1, steps=2)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """One or two faces; a spec's `style` "pair" has the hero on the right beside the stranger."""
        if not isinstance(spec, ShotSpec):
            raise RenderError(f"casting draws shots, not {type(spec).__name__}", code="spec_kind")
        context.progress(1, 2)
        right = spec.prompt.removeprefix("hero on roll ")
        lucky = right.isdigit() and spec.seed == roll_seed(7, int(right))
        left = (made_face(STRANGER if spec.style == "pair" or not lucky else HERO), (30, 60))
        faces = [] if spec.prompt == "nobody" else [left]
        if spec.style == "pair":
            faces.append((made_face(HERO if lucky else 3), (640 - FACE - 30, 300)))
        path = context.workdir / "main.png"
        in_a_picture(*faces).save(path)
        context.progress(2, 2)
        main = OutputFile(role="main", path=path, content_type="image/png", media={"width": 640, "height": 640})
        return RenderOutput(files=[main], recipe={"engine": self.name, "seed": spec.seed}, summary={"drawn": spec.seed})

    def cancel(self) -> None:
        """The next call of `context.progress` stops it."""
