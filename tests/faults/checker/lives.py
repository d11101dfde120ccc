"""I1, I4, I6: the lives of tasks as the log tells them; legal transitions are the simulation's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schemas.common import StagePlan
from schemas.envelope import EPOCH, LedgerRecord
from schemas.render import CancelCommand, LeaseRevoked, RenderCommand
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    StageStarted,
    StageStopped,
    TaskCancelling,
    TaskCompleted,
    TaskEvent,
    TaskQueued,
)
from tests.faults.checker.records import Logged
from tests.faults.checker.reports import Reports
from tests.faults.checker.slots import Slots
from tests.faults.checker.stranded import Stranded
from tests.faults.checker.violations import EventRef, Findings
from tests.faults.simulation.transitions import CLOSED, ON_DEVICE, STAGE, TASK

STAGE_EVENTS = (StageDispatched, StageStarted, StageCompleted, StageRetryScheduled, StageStopped)
OUTCOMES = (StageCompleted, StageRetryScheduled, StageStopped)


@dataclass(slots=True)
class Stage:
    """One stage: where its last attempt went, and the record that says so."""

    plan: StagePlan
    status: str = "planned"
    attempt: int = 0
    device_id: str = ""
    slot: int = -1
    epoch: int = 0
    last: EventRef | None = None
    awaits_command: bool = False
    awaits_stop: bool = False
    counted: int = 0
    not_before: datetime = EPOCH


@dataclass(slots=True)
class Task:
    """One open task and its last record."""

    account_id: str
    status: str = "none"
    ending: str = ""
    stages: dict[str, Stage] = field(default_factory=dict)
    last: EventRef | None = None


class Lives:
    """Folds task events and commands; `closed` maps tasks that have ended to (status, account)."""

    def __init__(self, findings: Findings, reports: Iterator[Logged]) -> None:
        self.closed: dict[str, tuple[str, str]] = {}
        self._open: dict[str, Task] = {}
        self._fail = findings
        self._slots = Slots(findings)
        self._reports = Reports(findings, reports)
        self._stranded = Stranded(findings)

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Check and take over one record."""
        self._slots.fold(logged, record)
        match record:
            case LeaseRevoked():
                self._stranded.add(self._on(record.device_id, record.epoch), logged.ref)
            case TaskEvent():
                self._stranded.before(logged)
                self._task_event(logged, record)
            case RenderCommand():
                self._command(logged, record)
            case CancelCommand():
                self._stop_command(record)

    def tasks(self) -> dict[str, tuple[str, str]]:
        """(status, account) of every task, the open ones included."""
        return self.closed | {task_id: (task.status, task.account_id) for task_id, task in self._open.items()}

    def account_of(self, task_id: str) -> str:
        """Whose task it is, "" of an unknown one."""
        task = self._open.get(task_id)
        return task.account_id if task else self.closed.get(task_id, ("", ""))[1]

    def finish(self) -> None:
        """Every accepted task has ended, and no stage is left on a device."""
        for task_id, task in self._open.items():
            self._fail.add("I1", f"task {task_id} is {task.status} and never ends", task.last)
            for stage in task.stages.values():
                if stage.status in ON_DEVICE and not self._slots.holds(stage.device_id, stage.epoch):
                    text = f"{task_id}/{stage.plan.stage_id} stays on {stage.device_id}, which has no live lease"
                    self._fail.add("I4", text, stage.last)
        self._fail.checked["I1"] += len(self._open) + len(self.closed)
        self._reports.finish()

    def _on(self, device_id: str, epoch: int) -> Iterator[tuple[str, str]]:
        """Stages that are on the device under that epoch."""
        for task_id, task in self._open.items():
            for stage_id, stage in task.stages.items():
                if stage.status in ON_DEVICE and (stage.device_id, stage.epoch) == (device_id, epoch):
                    yield task_id, stage_id

    def _command(self, logged: Logged, command: RenderCommand) -> None:
        self._fail.checked["I4"] += 1
        task = self._open.get(command.task_id)
        stage = task.stages.get(command.stage_id) if task else None
        wanted = stage is not None and stage.awaits_command and stage.attempt == command.attempt
        if stage is None or not wanted:
            self._fail.add(
                "I4", "a render command that no dispatch calls for", logged.ref, stage.last if stage else None
            )
            return
        stage.awaits_command = False
        where = (command.device_id, command.epoch, logged.partition)
        if where != (stage.device_id, stage.epoch, stage.slot):
            self._fail.add("I4", "a render command goes elsewhere than the dispatch says", stage.last, logged.ref)

    def _stop_command(self, command: CancelCommand) -> None:
        task = self._open.get(command.task_id)
        stage = task.stages.get(command.stage_id) if task else None
        if stage is not None and stage.attempt == command.attempt:
            stage.awaits_stop = False

    def _task_event(self, logged: Logged, event: TaskEvent) -> None:
        task = self._open.get(event.task_id)
        ended = self.closed.get(event.task_id)
        status = task.status if task else ended[0] if ended else "none"
        status = "none" if status == "rejected" else status  # a request may come again when the answer is forgotten
        after = TASK[status].get(type(event).__name__)
        if after is None:
            last = task.last if task else None
            self._fail.add("I6", f"{type(event).__name__} of a task that is {status}", last, logged.ref)
            if isinstance(event, STAGE_EVENTS) and (task is None or event.stage_id not in task.stages):
                self._stale(logged, event)
            return
        task = task or Task(event.envelope.account_id)
        if task.account_id != event.envelope.account_id:
            text = f"an event of {event.envelope.account_id} about a task of {task.account_id}"
            self._fail.add("I6", text, task.last, logged.ref)
        self._take(logged, event, task, after)
        task.status, task.last = after, logged.ref
        if after in CLOSED:
            self._open.pop(event.task_id, None)
            self.closed[event.task_id] = (after, task.account_id)
        else:
            self._open[event.task_id] = task

    def _take(self, logged: Logged, event: TaskEvent, task: Task, after: str) -> None:
        match event:
            case TaskQueued() | StagesPlanned():
                task.stages |= {plan.stage_id: Stage(plan) for plan in event.stages}
            case TaskCancelling():
                task.ending = str(event.ending)
                for stage in task.stages.values():
                    stage.awaits_stop = stage.status in ON_DEVICE
            case _ if after in CLOSED and after != "rejected":
                self._terminal(logged, event, task, after)
            case _ if isinstance(event, STAGE_EVENTS):
                self._stage_event(logged, event, task)

    def _terminal(self, logged: Logged, event: TaskEvent, task: Task, after: str) -> None:
        for stage_id, stage in task.stages.items():
            if stage.status in ON_DEVICE:
                self._fail.add("I4", f"the task is {after} while {stage_id} is on a device", stage.last, logged.ref)
            if stage.awaits_stop:
                self._fail.add("I4", f"the device of {stage_id} was never told to stop", task.last, logged.ref)
        cached = isinstance(event, TaskCompleted) and event.cached
        if isinstance(event, TaskCompleted) and cached and self.account_of(event.cached_from) != task.account_id:
            self._fail.add("I6", f"it takes the result of {event.cached_from}, a task of somebody else", logged.ref)
        unfinished = [stage_id for stage_id, stage in task.stages.items() if stage.status != "completed"]
        if after == "completed" and unfinished and not cached:
            self._fail.add("I1", f"the task is completed without {', '.join(unfinished)}", logged.ref)
        if after != "completed" and task.ending != after:
            self._fail.add("I6", f"the task is {after} but was to be {task.ending}", task.last, logged.ref)

    def _stale(self, logged: Logged, event: TaskEvent) -> None:
        """An event about a stage nobody has: the epoch it names tells whether its device still was there."""
        device_id, epoch = getattr(event, "device_id", ""), getattr(event, "epoch", 0)
        if device_id and not self._slots.holds(device_id, epoch):
            text = f"{type(event).__name__} under epoch {epoch} of {device_id}, which is not live"
            self._fail.add("I4", text, self._slots.lease_of(device_id), logged.ref)

    def _stage_event(
        self,
        logged: Logged,
        event: StageDispatched | StageStarted | StageCompleted | StageRetryScheduled | StageStopped,
        task: Task,
    ) -> None:
        self._fail.checked["I4"] += 1
        stage, name = task.stages.get(event.stage_id), type(event).__name__
        if stage is None:
            self._fail.add("I6", f"{name} of a stage that was never planned", logged.ref)
            self._stale(logged, event)
            return
        after = STAGE[stage.status].get(name)
        if isinstance(event, StageDispatched):
            self._dispatched(logged, event, task, stage)
        elif after is None and isinstance(event, OUTCOMES) and event.attempt == stage.attempt:
            self._fail.add("I4", f"attempt {event.attempt} has a second outcome", stage.last, logged.ref)
        elif event.attempt != stage.attempt:
            text = f"{name} of attempt {event.attempt} while attempt {stage.attempt} counts"
            self._fail.add("I4", text, stage.last, logged.ref)
        else:
            self._outcome(logged, event, stage)
        if after is None:
            self._fail.add("I6", f"{name} of a stage that is {stage.status}", stage.last, logged.ref)
            return
        stage.status, stage.last = after, logged.ref
        if after not in ON_DEVICE:
            self._stranded.settle((event.task_id, event.stage_id))

    def _outcome(
        self, logged: Logged, event: StageStarted | StageCompleted | StageRetryScheduled | StageStopped, stage: Stage
    ) -> None:
        place = (stage.device_id, stage.epoch)
        if isinstance(event, StageStarted | StageCompleted):
            if (event.device_id, event.epoch) != place:
                text = f"{type(event).__name__} by {event.device_id}/{event.epoch} of what is on {place[0]}/{place[1]}"
                self._fail.add("I4", text, stage.last, logged.ref)
            self._stale(logged, event)
        elif isinstance(event, StageRetryScheduled):
            stage.counted += event.counted
            stage.not_before = event.not_before
            if stage.counted >= stage.plan.max_attempts:
                self._fail.add("I6", f"it is retried after {stage.counted} failures that count", logged.ref)
        self._reports.check(logged, event, (stage.attempt, *place))

    def _dispatched(self, logged: Logged, event: StageDispatched, task: Task, stage: Stage) -> None:
        if event.attempt != stage.attempt + 1:
            text = f"attempt {event.attempt} is dispatched after attempt {stage.attempt}"
            self._fail.add("I4", text, stage.last, logged.ref)
        if waiting := [s for s in stage.plan.depends_on if s in task.stages and task.stages[s].status != "completed"]:
            self._fail.add("I6", f"the stage is dispatched before {', '.join(waiting)}", logged.ref)
        if event.envelope.occurred_at < stage.not_before:
            self._fail.add("I6", "the stage is dispatched before its retry is due", stage.last, logged.ref)
        if not self._slots.holds(event.device_id, event.epoch, event.slot):
            text = f"dispatched to {event.device_id}/{event.epoch} on slot {event.slot}, which has no live lease"
            self._fail.add("I4", text, self._slots.lease_of(event.device_id), logged.ref)
        stage.attempt, stage.device_id, stage.slot = event.attempt, event.device_id, event.slot
        stage.epoch, stage.awaits_command = event.epoch, True
