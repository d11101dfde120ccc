"""The bodies of task answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from api.context import Links
from schemas.common import FieldError


class ErrorView(Struct, frozen=True, kw_only=True):
    """Why a task or stage failed, in the owner's shape of errors."""

    error: str
    type: str
    code: str
    retryable: bool
    errors: list[FieldError] = []


class StageView(Struct, frozen=True, kw_only=True):
    """One stage. `summary` says in the engine's words what was made, `recipe` repeats it; both once it is done."""

    id: str
    kind: str
    engine: str
    status: str
    attempt: int
    device: str
    progress: float
    render_seconds: float = 0.0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    summary: dict[str, Any] | None = None
    recipe: dict[str, Any] | None = None
    error: ErrorView | None = None


class OutputView(Struct, frozen=True, kw_only=True):
    """A file of the result. `url` is signed and short-lived; sizes in bytes and pixels, duration in seconds."""

    key: str
    url: str
    role: str
    stage_id: str
    content_type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None


class ResultView(Struct, frozen=True, kw_only=True):
    """The files of a completed task; the first main file is the one at `output_path`."""

    output_path: str | None
    url: str | None
    thumbnail: str | None
    poster: str | None
    subtitles: str | None
    outputs: list[OutputView]
    duration: float | None = None
    width: int | None = None
    height: int | None = None


class UsageView(Struct, frozen=True):
    """Time that devices spent on finished stages, in seconds."""

    device_seconds: float


class TaskView(Struct, frozen=True, kw_only=True):
    """`status` is queued, processing, completed, failed, cancelling or cancelled; `progress` 0-100.

    `held`: nothing more of it is given to a device until it is released. `retry_of`: the task that it repeats.
    `cached`: the result is that of the equal task `cached_from`, and nothing was rendered.
    """

    task_id: str
    kind: str
    status: str
    progress: float
    result: ResultView | None
    error: ErrorView | None
    stages: list[StageView]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cached: bool
    held: bool
    queue_position: int | None
    usage: UsageView
    links: Links
    project: str = ""
    retry_of: str | None = None
    cached_from: str | None = None
    storyboard_id: str | None = None
    character_id: str | None = None
    estimated_time: float = 0.0
    deadline: datetime | None = None


class TaskSummary(Struct, frozen=True, kw_only=True):
    """A task in a list."""

    task_id: str
    kind: str
    status: str
    progress: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cached: bool
    held: bool
    project: str
    error: ErrorView | None
    links: Links
