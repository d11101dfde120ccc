"""Reports about a command. Pure: the same outcome gives the same record id, however often it is told."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from gpu_agents.child.protocol import ChildFile, Failed
from schemas.common import Artifact, FilmPlan, Problem
from schemas.envelope import Envelope
from schemas.ids import derived_id
from schemas.render import RenderCommand, StageFailedReport, StageReport, StageStartedReport, StageSucceededReport

R = TypeVar("R", bound=StageReport)
_EXTENSIONS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "image/jpeg": "jpg",
    "application/x-subrip": "srt",
    "text/vtt": "vtt",
}
_MAX_DETAIL = 1000  # characters


def key_of(task_id: str, stage_id: str, attempt: int) -> str:
    """How an attempt is named in heartbeats and logs: TASK/STAGE/ATTEMPT."""
    return f"{task_id}/{stage_id}/{attempt}"


def report_id(command: RenderCommand, kind: type[StageReport]) -> str:
    """The id of a report: derived from task, stage, attempt, epoch and type."""
    parts = (command.task_id, command.stage_id, str(command.attempt), str(command.epoch), kind.__name__)
    return derived_id(*parts)


def started(command: RenderCommand, now: datetime) -> StageStartedReport:
    """Rendering begins."""
    return _report(StageStartedReport, command, now)


def succeeded(
    command: RenderCommand,
    now: datetime,
    *,
    artifacts: list[Artifact],
    render_ms: int,
    sealed: bytes,
    plan: FilmPlan | None,
    shot_count: int,
    duration_ms: int,
    loaded: list[str] | None = None,
) -> StageSucceededReport:
    """All files are stored."""
    return _report(
        StageSucceededReport,
        command,
        now,
        artifacts=artifacts,
        render_ms=render_ms,
        sealed=sealed,
        plan=plan,
        shot_count=shot_count,
        duration_ms=duration_ms,
        loaded=loaded,
    )


def failed(command: RenderCommand, now: datetime, problem: Problem, *, cancelled: bool = False) -> StageFailedReport:
    """The attempt is over without a result."""
    return _report(StageFailedReport, command, now, problem=problem, cancelled=cancelled)


def cancelled(command: RenderCommand, now: datetime) -> StageFailedReport:
    """The attempt was dropped before it began."""
    problem = Problem(type="RenderCancelled", code="cancelled", detail="the task was cancelled", retryable=False)
    return failed(command, now, problem, cancelled=True)


def problem_of(failure: Failed) -> Problem:
    """What the child told, as a part of a report: at most 1,000 characters, none of them NUL, which jsonb cannot hold."""
    return Problem(
        type=failure.error_type,
        code=failure.code,
        detail=failure.detail.replace("\0", "")[:_MAX_DETAIL],
        retryable=failure.retryable,
    )


def extension_of(content_type: str) -> str:
    """File name extension of a media type, "bin" for an unknown one."""
    known = _EXTENSIONS.get(content_type.partition(";")[0])
    return known or (mimetypes.guess_extension(content_type) or ".bin").removeprefix(".")


def object_keys(command: RenderCommand, files: Sequence[ChildFile]) -> list[str]:
    """results/TASK/STAGE/aATTEMPT-eEPOCH/ROLE.EXT for each file; a role that comes again gets -2, -3 ..."""
    folder = f"results/{command.task_id}/{command.stage_id}/a{command.attempt}-e{command.epoch}"
    seen: dict[str, int] = {}
    keys = []
    for file in files:
        seen[file.role] = seen.get(file.role, 0) + 1
        name = file.role if seen[file.role] == 1 else f"{file.role}-{seen[file.role]}"
        keys.append(f"{folder}/{name}.{extension_of(file.content_type)}")
    return keys


def artifact_of(command: RenderCommand, file: ChildFile, key: str) -> Artifact:
    """A stored file as events name it."""
    return Artifact(
        stage_id=command.stage_id,
        role=file.role,
        key=key,
        sha256=file.sha256,
        size=file.size,
        content_type=file.content_type,
        width=file.width,
        height=file.height,
        duration_ms=file.duration_ms,
    )


def _report(kind: type[R], command: RenderCommand, now: datetime, **fields: object) -> R:
    envelope = Envelope(
        event_id=report_id(command, kind),
        aggregate_id=command.task_id,
        account_id=command.envelope.account_id,
        occurred_at=now,
        correlation_id=command.envelope.correlation_id,
        causation_id=command.envelope.event_id,
    )
    common = msgspec.structs.asdict(StageReport(device_id=command.device_id, epoch=command.epoch))
    common |= {"task_id": command.task_id, "stage_id": command.stage_id, "attempt": command.attempt}
    return kind(**(common | {"envelope": envelope} | fields))
