"""Outcomes of stages. An outcome counts only for the attempt and epoch that are outstanding; everything else changes nothing."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.common import Artifact, Ending, FilmPlan, Problem, StageKind, TaskKind
from schemas.envelope import LedgerRecord
from schemas.render import StageFailedReport, StageReport, StageStartedReport, StageSucceededReport
from schemas.tasks import StageCompleted, StageRetryScheduled, StagesPlanned, StageStarted, StageStopped
from streams.domain import ending
from streams.domain.drafts import about_task
from streams.domain.limits import film_errors
from streams.domain.plans import plan_errors
from streams.domain.policy import Policy
from streams.domain.state import OUTSTANDING, ShardState, StageState, StageStatus, TaskState

OUT_OF_MEMORY = "out_of_memory"  # the code of a failure that another device may be spared


def decide_outcome(state: ShardState, report: StageReport, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """What a device's report means.

    | task | report | events |
    | --- | --- | --- |
    | any | other attempt, epoch or device than outstanding, or its lease is over | none |
    | being stopped | succeeded, failed | StageStopped, and the task's end after its last outstanding stage |
    | running | started | StageStarted |
    | running | succeeded | StageCompleted, then StagesPlanned or the completed task |
    | running | failed, attempts left and retryable | StageRetryScheduled, elsewhere if memory ran out |
    | running | failed for good | TaskCancelling (failed): siblings stop, then TaskFailed |
    """
    task = state.tasks.get(report.task_id)
    stage = task.stages.get(report.stage_id) if task is not None else None
    if task is None or stage is None or not _is_current(stage, report):
        return []
    if (report.task_id, report.stage_id) in state.orphans:
        return []  # the lease ended earlier in this batch; the stage is about to be reclaimed
    if task.ending is not None:
        return [] if isinstance(report, StageStartedReport) else _stopped(state, task, report)
    match report:
        case StageStartedReport():
            return _started(task, stage, report)
        case StageSucceededReport():
            return _succeeded(state, task, stage, report)
        case StageFailedReport():
            return _failed(state, task, stage, report, now, policy)
        case _:
            raise TypeError(f"{type(report).__name__} is no outcome")


def lost(
    state: ShardState, task: TaskState, stage: StageState, now: datetime, policy: Policy, reason: str
) -> list[LedgerRecord]:
    """The device of an outstanding stage is gone: it costs no attempt, but not for ever."""
    if task.ending is not None:
        return [_off_device(task, stage, "device_lost"), *_end_if_last(state, task, stage.plan.stage_id)]
    problem = Problem(type="DeviceLost", code="device_lost", detail=reason, retryable=True)
    if stage.device_losses + 1 >= policy.max_device_losses:
        return _failed_for_good(state, task, stage, problem)
    return [_retry(task, stage, problem, now, counted=False)]


def retry_delay(policy: Policy, failures: int, command_id: str) -> timedelta:
    """Exponential backoff from `retry_wait`, bounded, with up to 25 % jitter that comes from the command's id."""
    doubled: timedelta = policy.retry_wait * (1 << min(failures - 1, 10))
    base = min(doubled, policy.retry_wait_max)
    jitter = zlib.crc32(command_id.encode()) / 0xFFFFFFFF
    return base * (1 + 0.25 * jitter)


def _is_current(stage: StageState, report: StageReport) -> bool:
    return (
        stage.status in OUTSTANDING
        and stage.attempt == report.attempt
        and stage.epoch == report.epoch
        and stage.device_id == report.device_id
    )


def _started(task: TaskState, stage: StageState, report: StageStartedReport) -> list[LedgerRecord]:
    if stage.status is StageStatus.PROCESSING:
        return []
    return [
        about_task(
            StageStarted,
            task,
            stage_id=report.stage_id,
            attempt=report.attempt,
            device_id=report.device_id,
            epoch=report.epoch,
        )
    ]


def _succeeded(
    state: ShardState, task: TaskState, stage: StageState, report: StageSucceededReport
) -> list[LedgerRecord]:
    completed = about_task(
        StageCompleted,
        task,
        stage_id=report.stage_id,
        attempt=report.attempt,
        device_id=report.device_id,
        epoch=report.epoch,
        artifacts=[_of_stage(artifact, report.stage_id) for artifact in report.artifacts],
        render_ms=report.render_ms,
        sealed=report.sealed,
        engine_version=state.devices[report.device_id].versions.get(stage.plan.engine, ""),
        loaded=report.loaded,
    )
    if task.kind is TaskKind.VIDEO and stage.plan.kind is StageKind.SCRIPT:
        return [completed, *_planned(state, task, report.plan or FilmPlan(), report.stage_id)]
    if ending.is_last(task, report.stage_id):
        return [completed, *ending.complete(state, task, _with_stage(report))]
    return [completed]


def _planned(state: ShardState, task: TaskState, plan: FilmPlan, stage_id: str) -> list[LedgerRecord]:
    errors = film_errors(state.accounts[task.account_id].limits, plan.duration_ms, plan.frames)
    errors += plan_errors(plan.stages, task.stages)
    if not errors and plan.stages:
        return [about_task(StagesPlanned, task, stages=plan.stages)]
    detail = "; ".join(error.message for error in errors) or "the script gave no usable film plan"
    problem = Problem(type="ValidationFailed", code="validation_failed", detail=detail, errors=errors)
    return ending.stop(state, task, Ending.FAILED, problem, without=stage_id)


def _failed(
    state: ShardState, task: TaskState, stage: StageState, report: StageFailedReport, now: datetime, policy: Policy
) -> list[LedgerRecord]:
    if report.cancelled:
        return lost(state, task, stage, now, policy, "the device stopped the attempt")
    failures = stage.failures + 1
    if report.problem.retryable and failures < stage.plan.max_attempts:
        not_before = now + retry_delay(policy, failures, stage.command_id)
        avoid = stage.device_id if report.problem.code == OUT_OF_MEMORY else ""
        return [_retry(task, stage, report.problem, not_before, counted=True, avoid=avoid)]
    return _failed_for_good(state, task, stage, report.problem)


def _failed_for_good(state: ShardState, task: TaskState, stage: StageState, problem: Problem) -> list[LedgerRecord]:
    stopping = ending.stop(state, task, Ending.FAILED, problem, without=stage.plan.stage_id)
    return [_off_device(task, stage, "failed"), *stopping]


def _off_device(task: TaskState, stage: StageState, outcome: str) -> StageStopped:
    return about_task(StageStopped, task, stage_id=stage.plan.stage_id, attempt=stage.attempt, outcome=outcome)


def _retry(
    task: TaskState, stage: StageState, problem: Problem, not_before: datetime, *, counted: bool, avoid: str = ""
) -> StageRetryScheduled:
    return about_task(
        StageRetryScheduled,
        task,
        stage_id=stage.plan.stage_id,
        attempt=stage.attempt,
        counted=counted,
        problem=problem,
        not_before=not_before,
        avoid_device=avoid,
    )


def _stopped(state: ShardState, task: TaskState, report: StageReport) -> list[LedgerRecord]:
    outcome = "succeeded" if isinstance(report, StageSucceededReport) else "failed"
    if isinstance(report, StageFailedReport) and report.cancelled:
        outcome = "cancelled"
    stage = task.stages[report.stage_id]
    return [_off_device(task, stage, outcome), *_end_if_last(state, task, report.stage_id)]


def _end_if_last(state: ShardState, task: TaskState, stage_id: str) -> list[LedgerRecord]:
    if any(stage.plan.stage_id != stage_id for stage in task.outstanding):
        return []
    assert task.ending is not None
    return ending.end(state, task, task.ending, task.problem)


def _of_stage(artifact: Artifact, stage_id: str) -> Artifact:
    return replace(artifact, stage_id=stage_id)


def _with_stage(report: StageSucceededReport) -> StageSucceededReport:
    return replace(report, artifacts=[_of_stage(artifact, report.stage_id) for artifact in report.artifacts])
