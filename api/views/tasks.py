"""From task rows to what clients see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from api.context import task_links
from api.language import Language
from api.problems import kind_of
from api.sealing import AccountSeal
from api.views.task_models import ErrorView, OutputView, ResultView, StageView, TaskSummary, TaskView, UsageView
from projections.folds.task_rows import StageRow, TaskRow
from schemas.common import Artifact, Problem

Sign = Callable[[str], Awaitable[str]]
RUNNING_CAP = 99.0


def error_view(problem: Problem | None, language: Language) -> ErrorView | None:
    """A problem from the log; Chinese readers get its kind in Chinese before the detail."""
    if problem is None:
        return None
    title = kind_of(problem.code, problem.type).title(language)
    detail = problem.detail or title
    return ErrorView(
        error=f"{title}：{detail}" if language == "zh" and detail != title else detail,
        type=problem.type or kind_of(problem.code).type,
        code=problem.code,
        retryable=problem.retryable,
        errors=problem.errors,
    )


def live_progress(row: TaskRow, percent: Mapping[str, float]) -> float:
    """The row's progress plus the share of what is running; below 100 until the task completed."""
    total = sum(stage.work for stage in row.stages)
    running = sum(s.work * percent.get(s.stage_id, 0.0) / 100 for s in row.stages if s.status == "processing")
    if row.finished or not total or not any(stage.deliver for stage in row.stages):
        return float(row.progress)
    done = sum(stage.work for stage in row.stages if stage.status == "completed")
    return round(max(row.progress, (done + running) / total * RUNNING_CAP), 1)


def task_summary(row: TaskRow, percent: Mapping[str, float], language: Language) -> TaskSummary:
    """The row of a list."""
    return TaskSummary(
        task_id=row.task_id,
        kind=row.kind.value,
        status=row.status,
        progress=live_progress(row, percent),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cached=row.cached,
        held=row.held,
        project=row.project,
        error=error_view(row.problem, language),
        links=task_links(row.task_id),
    )


async def task_view(
    row: TaskRow,
    *,
    percent: Mapping[str, float],
    queue_position: int | None,
    seal: AccountSeal,
    sign: Sign,
    language: Language,
) -> TaskView:
    """The whole task; `sign` makes the URL of an object key."""
    finished = row.status == "completed"
    return TaskView(
        task_id=row.task_id,
        kind=row.kind.value,
        status=row.status,
        progress=live_progress(row, percent),
        result=await _result(row.outputs, sign) if finished else None,
        error=error_view(row.problem, language),
        stages=[_stage(s, row.results.get(s.stage_id), percent, seal, language) for s in row.stages],
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cached=row.cached,
        held=row.held,
        queue_position=queue_position,
        usage=UsageView(sum(stage.render_ms for stage in row.stages) / 1000),
        links=task_links(row.task_id),
        project=row.project,
        retry_of=row.retry_of or None,
        cached_from=row.cached_from or None,
        storyboard_id=row.entity_id if row.kind.value == "storyboard" else None,
        character_id=row.entity_id if row.kind.value == "character" else None,
        estimated_time=row.estimated_ms / 1000,
        deadline=row.deadline,
    )


def _stage(
    stage: StageRow, sealed: bytes | None, percent: Mapping[str, float], seal: AccountSeal, language: Language
) -> StageView:
    result = seal.open(sealed, "result") if sealed else {}
    live = percent.get(stage.stage_id, 0.0) if stage.status == "processing" else 0.0
    return StageView(
        id=stage.stage_id,
        kind=stage.kind.value,
        engine=stage.engine,
        status=stage.status,
        attempt=stage.attempt,
        device=stage.device_id,
        progress=100.0 if stage.status == "completed" else round(live, 1),
        render_seconds=stage.render_ms / 1000,
        started_at=stage.started_at,
        finished_at=stage.finished_at,
        summary=result.get("summary"),
        recipe=result.get("recipe"),
        error=error_view(stage.problem, language),
    )


async def _result(artifacts: Sequence[Artifact], sign: Sign) -> ResultView:
    outputs = [await _output(artifact, sign) for artifact in artifacts]
    first: dict[str, OutputView] = {}
    for output in outputs:
        first.setdefault(output.role, output)
    main = first.get("main") or (outputs[0] if outputs else None)
    urls = {role: output.url for role, output in first.items()}
    return ResultView(
        output_path=main.key if main else None,
        url=main.url if main else None,
        thumbnail=urls.get("thumbnail"),
        poster=urls.get("poster"),
        subtitles=urls.get("subtitles"),
        outputs=outputs,
        duration=main.duration if main else None,
        width=main.width if main else None,
        height=main.height if main else None,
    )


async def _output(artifact: Artifact, sign: Sign) -> OutputView:
    return OutputView(
        key=artifact.key,
        url=await sign(artifact.key),
        role=artifact.role,
        stage_id=artifact.stage_id,
        content_type=artifact.content_type,
        size=artifact.size,
        sha256=artifact.sha256,
        width=artifact.width or None,
        height=artifact.height or None,
        duration=artifact.duration_ms / 1000 if artifact.duration_ms else None,
    )
