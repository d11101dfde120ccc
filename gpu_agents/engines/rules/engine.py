"""The script engine `rules`: prose or Fountain to a storyboard, offline and deterministic."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.rules.storyboard import MAX_TEXT, draft
from schemas.errors import RenderError
from schemas.specs import ScriptSpec, Spec

VERSION = "1"


class RulesEngine:
    """Turns a `ScriptSpec` into `RenderOutput.data["storyboard"]` (a `StoryboardDraft` as plain JSON) and storyboard.json."""

    name: ClassVar[str] = "rules"
    kind: ClassVar[EngineKind] = EngineKind.SCRIPT
    version: ClassVar[str] = VERSION

    def setup(self) -> None:
        """Nothing to load: the word tables are compiled when the module is imported."""

    def estimate(self, spec: Spec) -> Estimate:
        """About 2 s for the longest text that is taken."""
        return Estimate(seconds=0.05 + 2.0 * min(len(_script(spec).text) / MAX_TEXT, 1.0), steps=2)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Write the storyboard. Raises `RenderError` with code "script_empty", "script_too_long" or "script_invalid"."""
        script = _script(spec)
        context.progress(0, 2)
        storyboard = draft(script)
        context.progress(1, 2)
        path = context.workdir / "storyboard.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(storyboard), indent=2))
        context.progress(2, 2)
        count = len(storyboard.shots)
        return RenderOutput(
            files=[
                OutputFile(
                    role="main", path=path, content_type="application/json", media={"duration": storyboard.duration}
                )
            ],
            recipe={
                "engine": self.name,
                "engine_version": self.version,
                "language": storyboard.language,
                "target_duration": script.target_duration,
                "max_duration": script.max_duration,
            },
            summary={
                "title": storyboard.title,
                "shots": count,
                "duration": storyboard.duration,
                "language": storyboard.language,
            },
            data={"storyboard": msgspec.to_builtins(storyboard)},
        )

    def cancel(self) -> None:
        """A render takes seconds at most; the context stops it between its steps."""


def _script(spec: Spec) -> ScriptSpec:
    if not isinstance(spec, ScriptSpec):
        raise RenderError(
            f"the engine rules makes storyboards from scripts, not from a {type(spec).__name__}",
            code="unsupported_spec",
        )
    return spec
