"""One job of the render child: from a `Render` message to `Done` or `Failed`."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gpu_agents import disk
from gpu_agents.child.identity import is_scored, render_scored
from gpu_agents.child.memory import peak_bytes, reset_peak
from gpu_agents.child.protocol import ChildFile, Done, Estimated, Failed, Progressed, Render, Reply, Usage
from gpu_agents.engines.base import Engine, OutputFile, RenderContext, RenderOutput
from gpu_agents.faces.identity import Score
from infra import crash_points
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError, StoryreelError
from schemas.specs import CharacterRef, ShotSpec

if TYPE_CHECKING:
    from gpu_agents.faces.scoring import Scorer

log = logging.getLogger(__name__)
PROGRESS_INTERVAL = 0.05  # seconds between progress messages to the agent


def run_job(
    job: Render,
    engine_of: Callable[[str], Engine],
    reply: Callable[[Reply], None],
    is_cancelled: Callable[[], bool],
    package_of: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> Done | Failed:
    """Render and describe the outcome; every failure of an engine, of its estimate too, becomes a `Failed`.

    `package_of` tells name and version of the package that brings an engine, for the recipe.
    """
    reset_peak()
    started, cpu = time.monotonic(), _cpu_seconds()
    try:
        engine = engine_of(job.engine)
        context = RenderContext(
            Path(job.workdir),
            {name: Path(path) for name, path in job.inputs.items()},
            progress_sender(job.job_id, reply),
            is_cancelled,
        )
        context.check_cancelled()
        reply(Estimated(job_id=job.job_id, seconds=_estimated_seconds(engine, job)))
        output = _render(engine, job, context, reply)
        files = [_describe(file, Path(job.workdir)) for file in output.files]
        result = _encode(output, package_of(job.engine))
        crash_points.reach("render-child.after_render")
    except Exception as error:
        return failure(job.job_id, error)
    usage = Usage(
        render_ms=round((time.monotonic() - started) * 1000),
        cpu_ms=round((_cpu_seconds() - cpu) * 1000),
        peak_memory_bytes=peak_bytes(),
    )
    return Done(job_id=job.job_id, files=files, result=result, usage=usage)


def _render(engine: Engine, job: Render, context: RenderContext, reply: Callable[[Reply], None]) -> RenderOutput:
    """The engine's output. A shot of characters is scored and perhaps drawn again; each roll has the time of one render."""
    if not isinstance(job.spec, ShotSpec) or not is_scored(engine, job.spec):
        return engine.render(job.spec, context)

    def estimate_anew() -> None:
        reply(Estimated(job_id=job.job_id, seconds=_estimated_seconds(engine, job)))

    def score(main: OutputFile, characters: list[CharacterRef]) -> list[Score]:
        return _scorer().scores(main.path, characters)

    return render_scored(engine, job.spec, context, score, before_reroll=estimate_anew)


@cache
def _scorer() -> Scorer:
    """Faces are only looked at by children that draw characters; their libraries are loaded by the first of them."""
    from gpu_agents.faces.scoring import Scorer

    return Scorer()


def progress_sender(
    job_id: str, reply: Callable[[Reply], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[float, int, int, bytes | None], None]:
    """What a context calls: passes on the first step, the last one, and at most 20 a second between them."""
    last = -1.0

    def send(fraction: float, step: int, steps: int, preview: bytes | None) -> None:
        nonlocal last
        crash_points.reach("render-child.in_render")
        now = clock()
        if last < 0 or now - last >= PROGRESS_INTERVAL or step >= steps:
            last = now
            reply(Progressed(job_id=job_id, fraction=fraction, step=step, steps=steps, preview=preview))

    return send


def failure(job_id: str, error: Exception) -> Failed:
    """An exception as clients may see it. Texts of unexpected exceptions stay in the log: they may quote a prompt."""
    match error:
        case RenderCancelledError():
            return Failed(
                job_id=job_id, error_type="RenderCancelled", code=error.code, detail=str(error), cancelled=True
            )
        case RenderError():
            return Failed(job_id=job_id, code=error.code, detail=str(error), retryable=error.retryable)
        case ConfigurationError():
            log.error("engine not usable: %s", error)
            detail = "the engine cannot be used on this device"
            return Failed(
                job_id=job_id,
                error_type="ResourceUnavailable",
                code="engine_unavailable",
                detail=detail,
                retryable=True,
            )
        case StoryreelError():
            return Failed(job_id=job_id, code=error.code, detail=str(error), retryable=error.retryable)
    log.error("the engine failed unexpectedly", exc_info=error)
    if disk.is_full(error):
        detail = "the device's disk is full"
        return Failed(job_id=job_id, error_type="ResourceUnavailable", code=disk.FULL, detail=detail, retryable=True)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failed(job_id=job_id, code="out_of_memory", detail="the device ran out of memory", retryable=True)
    detail = f"the engine failed unexpectedly ({type(error).__name__})"
    return Failed(job_id=job_id, code="engine_error", detail=detail, retryable=True)


def _estimated_seconds(engine: Engine, job: Render) -> float:
    seconds = float(engine.estimate(job.spec).seconds)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"engine {job.engine}: an estimate of {seconds} s; it must be finite and not negative")
    return seconds


def _describe(file: OutputFile, workdir: Path) -> ChildFile:
    path = file.path.resolve()
    if not path.is_relative_to(workdir.resolve()) or not path.is_file():
        raise RenderError(f"the engine's file {file.role!r} is not in its folder", code="engine_output")
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return ChildFile(
        role=file.role,
        path=str(path),
        content_type=file.content_type,
        sha256=digest,
        size=path.stat().st_size,
        width=int(file.media.get("width", 0)),
        height=int(file.media.get("height", 0)),
        duration_ms=round(float(file.media.get("duration", 0.0)) * 1000),
    )


def _encode(output: RenderOutput, package: Mapping[str, str]) -> bytes:
    recipe = dict(output.recipe) | ({"package": package} if package else {})
    plain = {"recipe": recipe, "summary": dict(output.summary), "data": dict(output.data)}
    return msgspec.json.encode(plain, enc_hook=_numpy_to_plain)


def _numpy_to_plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
