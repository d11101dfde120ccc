"""I1, I4, I6: the lives of tasks, stages and leases as the log tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.common import Artifact, StagePlan
from schemas.envelope import EPOCH, LedgerRecord, Record
from schemas.render import CancelCommand, RenderCommand, StageReport
from schemas.tasks import (
    PassedOver,
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    StageStarted,
    StageStopped,
    TaskCancelled,
    TaskCancelling,
    TaskCompleted,
    TaskEvent,
    TaskExpired,
    TaskFailed,
    TaskQueued,
)
from tests.faults.simulation.leases import Leases
from tests.faults.simulation.transitions import CLOSED, ON_DEVICE, STAGE, TASK

TERMINAL = (TaskCompleted, TaskCancelled, TaskFailed, TaskExpired)
MOST_LOSSES = 4  # as in the policy of the simulation
MOST_PATIENCE = timedelta(seconds=2)


@dataclass
class Stage:
    """One stage: `place` is (device, slot, epoch) of its last dispatch."""

    plan: StagePlan
    status: str = "planned"
    attempt: int = 0
    place: tuple[str, int, int] = ("", 0, 0)
    counted: int = 0
    losses: int = 0
    not_before: float = 0.0
    passed_since: datetime | None = None


@dataclass
class Task:
    """One task."""

    task_id: str
    account_id: str
    status: str = "none"
    ending: str = ""
    reuse_hash: str = ""
    outputs: list[Artifact] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)

    def on_devices(self) -> list[str]:
        """Stages that were dispatched and did not come back."""
        return [stage_id for stage_id, stage in self.stages.items() if stage.status in ON_DEVICE]


class Lives:
    """`tasks` by id; `fail` takes violations."""

    def __init__(self, fail: Callable[[str], None]) -> None:
        self.tasks: dict[str, Task] = {}
        self.leases = Leases(fail)
        self._fail = fail
        self._now = EPOCH
        self._open: dict[str, Task] = {}
        self._commands: set[tuple[str, str, int]] = set()
        self._awaited: set[tuple[str, str, int]] = set()
        self._to_cancel: set[tuple[str, str, int]] = set()

    def fold(self, event: LedgerRecord, cause: Record | None, now: datetime) -> None:
        """Check and take over one event decided at `now`; `cause` is the report read last, if an input led to the event."""
        self.leases.fold(event)
        self._now = now
        match event:
            case TaskEvent():
                self._task_event(event, cause)
            case RenderCommand():
                key = (event.task_id, event.stage_id, event.attempt)
                if key not in self._awaited or not self.leases.holds(event.device_id, event.epoch):
                    self._fail(f"I4 {key} has a command to {event.device_id}/{event.epoch} that nothing calls for")
                self._awaited.discard(key)
            case CancelCommand():
                self._to_cancel.discard((event.task_id, event.stage_id, event.attempt))

    def between_transactions(self) -> None:
        """What must hold after every transaction: no stage processing without a live lease, all commands are sent."""
        for task in self._open.values():
            if task.status == "halting":
                self._fail(f"I6 {task.task_id} lost a stage for good but does not end")
            for stage_id in task.on_devices():
                device, _, epoch = task.stages[stage_id].place
                if not self.leases.holds(device, epoch):
                    self._fail(f"I4 {task.task_id}/{stage_id} is on {device}/{epoch}, which has no live lease")
        for what, keys in (("render command", self._awaited), ("cancel command", self._to_cancel)):
            for key in sorted(keys):
                self._fail(f"I4 {key} has no {what}")
            keys.clear()

    def at_the_end(self) -> None:
        """Every accepted task has ended."""
        for task in self._open.values():
            self._fail(f"I1 {task.task_id} is {task.status} at the end")

    def _task_event(self, event: TaskEvent, cause: Record | None) -> None:
        task = self.tasks.get(event.task_id) or Task(event.task_id, event.envelope.account_id)
        self.tasks[event.task_id] = task
        name = type(event).__name__
        after = TASK[task.status].get(name)
        if after is None:
            self._fail(f"I6 {name} of {task.task_id}, which is {task.status}")
            return
        if isinstance(event, TaskQueued):
            task.reuse_hash = event.reuse_hash
            self._retried(task, event)
        match event:
            case TaskQueued() | StagesPlanned():
                task.stages |= {plan.stage_id: Stage(plan) for plan in event.stages}
            case TaskCancelling():
                task.ending = str(event.ending)
                self._to_cancel |= {(task.task_id, s, task.stages[s].attempt) for s in task.on_devices()}
            case _ if isinstance(event, TERMINAL):
                self._terminal(task, after)
                if isinstance(event, TaskCompleted):
                    self._made(task, event)
            case StageDispatched() | StageStarted() | StageCompleted() | StageRetryScheduled() | StageStopped():
                self._stage_event(task, event, cause)
        task.status = after
        if after in CLOSED:
            self._open.pop(task.task_id, None)
        else:
            self._open[task.task_id] = task

    def _terminal(self, task: Task, after: str) -> None:
        if on_devices := task.on_devices():
            self._fail(f"I4 {task.task_id} is {after} while {on_devices} are on devices")
        unfinished = [stage_id for stage_id, stage in task.stages.items() if stage.status != "completed"]
        if after == "completed" and unfinished:
            self._fail(f"I1 {task.task_id} is completed without {unfinished}")
        if after != "completed" and task.ending != after:
            self._fail(f"I6 {task.task_id} is {after} but was to be {task.ending}")

    def _made(self, task: Task, event: TaskCompleted) -> None:
        """What was taken from another task must be the result of equal work of the same account."""
        task.outputs = event.outputs
        first = self.tasks.get(event.cached_from)
        if not event.cached:
            if not task.stages:
                self._fail(f"I1 {task.task_id} is completed without having been rendered")
        elif first is None or first.status != "completed" or not first.stages:
            self._fail(f"I5 {task.task_id} takes the result of {event.cached_from}, which made none")
        elif (first.account_id, first.reuse_hash) != (task.account_id, task.reuse_hash) or not task.reuse_hash:
            self._fail(f"I5 {task.task_id} takes the result of {first.task_id}, which is other work")
        elif first.outputs != event.outputs or task.stages:
            self._fail(f"I5 {task.task_id} does not take what {first.task_id} made")

    def _retried(self, task: Task, event: TaskQueued) -> None:
        first = self.tasks.get(event.retry_of)
        if first is not None and first.account_id != task.account_id:
            self._fail(f"I1 {task.task_id} retries a task of {first.account_id}")
        elif first is not None and first.status not in ("failed", "cancelled", "expired"):
            self._fail(f"I6 {task.task_id} retries {first.task_id}, which is {first.status}")

    def _passed_over(self, passed: PassedOver) -> None:
        """Only for so long, and only what could have been dispatched."""
        where = f"{passed.task_id}/{passed.stage_id}"
        task = self.tasks.get(passed.task_id)
        stage = task.stages.get(passed.stage_id) if task is not None else None
        if task is None or stage is None or stage.status != "planned" or task.status != "open":
            self._fail(f"I6 {where} is passed over though it does not wait")
            return
        stage.passed_since = stage.passed_since or passed.since
        if passed.since != stage.passed_since or self._now - passed.since > MOST_PATIENCE:
            self._fail(f"I6 {where} is passed over since {stage.passed_since}")

    def _stage_event(
        self,
        task: Task,
        event: StageDispatched | StageStarted | StageCompleted | StageRetryScheduled | StageStopped,
        cause: Record | None,
    ) -> None:
        name, where = type(event).__name__, f"{task.task_id}/{event.stage_id}/{event.attempt}"
        stage = task.stages.get(event.stage_id)
        after = STAGE[stage.status].get(name) if stage is not None else None
        if stage is None or after is None:
            self._fail(f"I6 {name} of {where}, which is {stage.status if stage else 'unknown'}")
            return
        if isinstance(event, StageDispatched):
            self._dispatched(task, stage, event, where)
        elif event.attempt != stage.attempt:
            self._fail(f"I4 {name} of {where}, but attempt {stage.attempt} is outstanding")
        elif not self._is_caused(stage, event, cause):
            self._fail(f"I4 {name} of {where} comes from a report about something else")
        elif isinstance(event, StageStarted | StageCompleted):
            device, _, epoch = stage.place
            if (event.device_id, event.epoch) != (device, epoch) or not self.leases.holds(device, epoch):
                self._fail(f"I4 {name} of {where} by {event.device_id}/{event.epoch}; it is on {device}/{epoch}")
        elif isinstance(event, StageRetryScheduled):
            self._retry(stage, event, where)
        stage.status = after

    def _is_caused(self, stage: Stage, event: TaskEvent, cause: Record | None) -> bool:
        """Whether the report that led to the event is of the outstanding attempt; lost devices need no report."""
        if cause is None:
            return isinstance(event, StageRetryScheduled | StageStopped)
        if not isinstance(cause, StageReport):
            return False
        named = (cause.task_id, cause.stage_id, cause.attempt, cause.device_id, cause.epoch)
        device, _, epoch = stage.place
        return named == (event.task_id, stage.plan.stage_id, stage.attempt, device, epoch)

    def _dispatched(self, task: Task, stage: Stage, event: StageDispatched, where: str) -> None:
        key = (task.task_id, event.stage_id, event.attempt)
        if event.passed is not None:
            self._passed_over(event.passed)
        if key in self._commands or event.attempt != stage.attempt + 1:
            self._fail(f"I4 {where} is dispatched after attempt {stage.attempt}")
        if waiting := [s for s in stage.plan.depends_on if task.stages[s].status != "completed"]:
            self._fail(f"I6 {where} is dispatched before {waiting}")
        if not self.leases.holds(event.device_id, event.epoch, event.slot):
            self._fail(f"I4 {where} is dispatched to {event.device_id}/{event.epoch}, which has no live lease")
        if event.envelope.occurred_at.timestamp() < stage.not_before:
            self._fail(f"I6 {where} is dispatched before its retry is due")
        self._commands.add(key)
        self._awaited.add(key)
        stage.attempt = event.attempt
        stage.place = (event.device_id, event.slot, event.epoch)

    def _retry(self, stage: Stage, event: StageRetryScheduled, where: str) -> None:
        stage.counted += event.counted
        stage.losses += not event.counted
        stage.passed_since = None
        stage.not_before = max(event.not_before, EPOCH).timestamp()
        if stage.counted >= stage.plan.max_attempts or stage.losses >= MOST_LOSSES:
            self._fail(f"I6 {where} is retried after {stage.counted} failures and {stage.losses} lost devices")
        if event.counted and not event.problem.retryable:
            self._fail(f"I6 {where} is retried though its failure is final")
