"""The one engine protocol. An engine turns a spec and local input files into local output files; it sees no topic, store or key.

Engines are found by the entry point group `storyreel.engines`; the entry point's name is the engine's name. One instance
lives in a render child process: `setup` once, then `render` per command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from schemas.errors import RenderCancelledError
from schemas.specs import Spec


class EngineKind(StrEnum):
    """What an engine makes; the kinds of SPEC section 3."""

    IMAGE = "image"
    CLIP = "clip"
    VIDEO = "video"
    SPEECH = "speech"
    MUSIC = "music"
    SCRIPT = "script"
    FACE = "face"
    UPSCALE = "upscale"


class OutputFile(Struct, frozen=True, kw_only=True):
    """One file an engine wrote. `role`: "main", "thumbnail", "poster", "subtitles", "portrait"; `media` holds width,
    height (px), duration (s), fps, voice ... as far as they apply.
    """

    role: str
    path: Path
    content_type: str
    media: Mapping[str, Any] = {}


class RenderOutput(Struct, frozen=True, kw_only=True):
    """Files, a recipe that repeats them (engine, library versions, parameters, seed) and a summary for people.

    `data` carries structured results that are no file: {"storyboard": ...}, {"embedding": [...]}; plain JSON types only.
    """

    files: list[OutputFile]
    recipe: Mapping[str, Any]
    summary: Mapping[str, Any] = {}
    data: Mapping[str, Any] = {}


class Estimate(Struct, frozen=True, kw_only=True):
    """Expected cost before anything was measured: seconds on one device, steps reported as progress."""

    seconds: float
    steps: int


class RenderContext:
    """What an engine may use while it renders: a scratch folder, its input files, progress and the order to stop.

    `inputs` maps a stage id ("shot-01", "speech-01", "music") or an object key to a local file.
    """

    def __init__(
        self,
        workdir: Path,
        inputs: Mapping[str, Path],
        on_progress: Callable[[float, int, int, bytes | None], None] = lambda *_: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.workdir = workdir
        self.inputs = inputs
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled

    def progress(self, step: int, steps: int, preview: bytes | None = None) -> None:
        """Report `step` of `steps` done (0..steps) and stop here if the task was cancelled. `preview` is a small JPEG."""
        self.check_cancelled()
        self._on_progress(step / steps if steps else 1.0, step, steps, preview)

    def check_cancelled(self) -> None:
        """Raise `RenderCancelledError` when the task was cancelled; engines call it at least every second of work."""
        if self._is_cancelled():
            raise RenderCancelledError("the task was cancelled")


def needs_of(engine: object) -> list[str]:
    """What an engine says it needs of a device; most say nothing."""
    told = getattr(engine, "needs", ())
    return [told] if isinstance(told, str) else [str(need) for need in told]


@runtime_checkable
class Engine(Protocol):
    """A plugin: `setup` loads what is needed once, `estimate` is pure and cheap, `render` makes the files.

    It may also have `needs`, a tuple of texts for people about what it needs of a device, as "a GPU of 16 GB".
    """

    name: ClassVar[str]
    kind: ClassVar[EngineKind]
    version: ClassVar[str]

    def setup(self) -> None:
        """Load weights, fonts, voices. Raises `ConfigurationError` naming what is missing."""

    def estimate(self, spec: Spec) -> Estimate:
        """Expected seconds and steps of `spec` on this engine."""

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make the files in `context.workdir`. Raises `RenderError` (bad input, not retryable) or `RenderCancelledError`."""

    def cancel(self) -> None:
        """Told from another thread that the running render shall stop at its next step; may do nothing beyond the context."""
