"""The lives of tasks and stages as the log tells them, against the table of legal transitions."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from infra.audit.events import Event, Findings
from infra.audit.leases import Leases
from infra.audit.transitions import CLOSED, ON_DEVICE, STAGE, TASK
from schemas.envelope import EPOCH
from schemas.render import RenderCommand
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

_REMEMBERED = 100_000  # tasks that have ended

StageEvent = StageDispatched | StageStarted | StageCompleted | StageRetryScheduled | StageStopped


@dataclass(slots=True)
class Stage:
    """One stage and where its last attempt went."""

    status: str = "planned"
    depends_on: tuple[str, ...] = ()
    attempt: int = 0
    place: tuple[str, int, int] = ("", 0, 0)  # device, epoch, slot
    awaits_command: bool = False
    not_before: datetime = EPOCH


@dataclass(slots=True)
class Task:
    """One open task. `whole`: its life was read from the beginning."""

    account_id: str
    status: str = "none"
    ending: str = ""
    whole: bool = True
    stages: dict[str, Stage] = field(default_factory=dict)


class Lives:
    """Folds task events and render commands. Memory grows with what is open; the ends of the last tasks are remembered."""

    def __init__(self, found: Findings, leases: Leases, *, partial: bool) -> None:
        self._found = found
        self._leases = leases
        self._partial = partial
        self._open: dict[str, Task] = {}
        self._closed: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def fold(self, event: Event) -> None:
        """Check and take over one event."""
        match event.record:
            case RenderCommand() as command:
                self._command(event, command)
            case TaskEvent() as happened:
                self._task_event(event, happened)

    def _task_event(self, event: Event, happened: TaskEvent) -> None:
        name, task_id = type(happened).__name__, happened.task_id
        task = self._open.get(task_id) or self._unknown(happened)
        after = TASK[task.status].get(name)
        if after is None:
            self._found.about(event, "task", f"{name} of a task that is {self._words(task.status)}")
            after = TASK["unknown"][name]
            task.whole = False
        if task.account_id != happened.envelope.account_id:
            text = f"an event of {happened.envelope.account_id} about a task of {task.account_id}"
            self._found.about(event, "task", text)
        if happened.envelope.aggregate_id != task_id:
            self._found.about(event, "task", f"task_id {task_id} is not the aggregate")
        self._take(event, happened, task, after)
        task.status = after
        if after in CLOSED:
            self._close(task_id, after, task.account_id)
        else:
            self._open[task_id] = task

    def _unknown(self, happened: TaskEvent) -> Task:
        """A task that is not open: it ended, it is new, or it began before what is read."""
        account = happened.envelope.account_id
        if (ended := self._closed.get(happened.task_id)) is not None:
            return Task(ended[1], status=ended[0])
        begins = isinstance(happened, TaskQueued) or type(happened).__name__ in TASK["none"]
        if self._partial and not begins:
            return Task(account, status="unknown", whole=False)
        return Task(account)

    @staticmethod
    def _words(status: str) -> str:
        return "unknown or ended long ago" if status == "none" else status

    def _close(self, task_id: str, status: str, account_id: str) -> None:
        self._open.pop(task_id, None)
        self._closed[task_id] = (status, account_id)
        if len(self._closed) > _REMEMBERED:
            self._closed.popitem(last=False)

    def _take(self, event: Event, happened: TaskEvent, task: Task, after: str) -> None:
        match happened:
            case TaskQueued() | StagesPlanned():
                task.stages |= {plan.stage_id: Stage(depends_on=tuple(plan.depends_on)) for plan in happened.stages}
            case TaskCancelling():
                task.ending = str(happened.ending)
            case StageDispatched() | StageStarted() | StageCompleted() | StageRetryScheduled() | StageStopped():
                self._stage_event(event, happened, task)
            case _ if after in CLOSED and after != "rejected":
                self._end(event, happened, task, after)

    def _end(self, event: Event, happened: TaskEvent, task: Task, after: str) -> None:
        running = [stage_id for stage_id, stage in task.stages.items() if stage.status in ON_DEVICE]
        if running:
            self._found.about(event, "task", f"it is {after} while {', '.join(running)} is on a device")
        cached = isinstance(happened, TaskCompleted) and happened.cached
        open_stages = [stage_id for stage_id, stage in task.stages.items() if stage.status in ("planned", "stopped")]
        if after == "completed" and open_stages and not cached:
            self._found.about(event, "task", f"it is completed without {', '.join(open_stages)}")
        if after not in ("completed", task.ending) and task.whole:
            self._found.about(event, "task", f"it is {after} but was to be {task.ending or 'going on'}")

    def _stage_event(self, event: Event, happened: StageEvent, task: Task) -> None:
        name = type(happened).__name__
        stage = task.stages.get(happened.stage_id)
        if stage is None:
            if task.whole:
                self._found.about(event, "stage", f"{name} of {happened.stage_id}, which was never planned")
            stage = task.stages[happened.stage_id] = Stage(status="unknown")
        after = STAGE[stage.status].get(name)
        known = stage.status != "unknown"
        if after is None:
            self._found.about(event, "stage", f"{name} of {happened.stage_id}, which is {stage.status}")
            after = STAGE["unknown"][name]
        if isinstance(happened, StageDispatched):
            self._dispatched(event, happened, task, stage)
        else:
            self._outcome(event, happened, stage, known=known)
        stage.status = after

    def _outcome(self, event: Event, happened: StageEvent, stage: Stage, *, known: bool) -> None:
        if known and happened.attempt != stage.attempt:
            text = f"{happened.stage_id}: attempt {happened.attempt} while attempt {stage.attempt} counts"
            self._found.about(event, "stage", text)
        stage.attempt = happened.attempt
        if isinstance(happened, StageStarted | StageCompleted):
            named = (happened.device_id, happened.epoch)
            if known and stage.place[0] and named != stage.place[:2]:
                text = f"{happened.stage_id} by {named[0]}/{named[1]}, but it is on {stage.place[0]}/{stage.place[1]}"
                self._found.about(event, "stage", text)
            if not self._leases.holds(*named, None):
                self._found.about(event, "lease", f"epoch {named[1]} of {named[0]} is not live")
        elif isinstance(happened, StageRetryScheduled):
            stage.not_before = happened.not_before

    def _dispatched(self, event: Event, sent: StageDispatched, task: Task, stage: Stage) -> None:
        if stage.status != "unknown" and sent.attempt != stage.attempt + 1:
            text = f"{sent.stage_id}: attempt {sent.attempt} after attempt {stage.attempt}"
            self._found.about(event, "stage", text)
        early = [one for one in stage.depends_on if (s := task.stages.get(one)) and s.status in ("planned", *ON_DEVICE)]
        if early:
            self._found.about(event, "stage", f"{sent.stage_id} is dispatched before {', '.join(early)}")
        if event.occurred_at < stage.not_before:
            self._found.about(event, "stage", f"{sent.stage_id} is dispatched before its retry is due")
        if not self._leases.holds(sent.device_id, sent.epoch, sent.slot):
            text = f"{sent.stage_id} goes to {sent.device_id}/{sent.epoch} on slot {sent.slot}, which has no live lease"
            self._found.about(event, "lease", text)
        stage.attempt, stage.place, stage.awaits_command = sent.attempt, (sent.device_id, sent.epoch, sent.slot), True

    def _command(self, event: Event, command: RenderCommand) -> None:
        task = self._open.get(command.task_id)
        stage = task.stages.get(command.stage_id) if task else None
        if stage is None or stage.status == "unknown":
            if not self._partial:
                self._found.about(event, "command", f"{command.command_id} of no open stage")
            return
        wanted = stage.awaits_command and stage.attempt == command.attempt
        if not wanted or (command.device_id, command.epoch, event.raw.partition) != stage.place:
            self._found.about(event, "command", f"{command.command_id} is not what a dispatch calls for")
        stage.awaits_command = False
