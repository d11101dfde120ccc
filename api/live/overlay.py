"""Recent tasks in memory, folded like the read model but ahead of it, so that nobody reads an older state than they saw."""

from __future__ import annotations

from collections import OrderedDict

from projections.folds.task_rows import StageRow, TaskRow
from projections.folds.tasks import apply_task
from schemas.render import StageProgressed
from schemas.tasks import AnyTaskEvent, StageCompleted, StageRetryScheduled, StageStopped, TaskQueued, TaskRejected

CAPACITY = 30_000  # stages, waiting events and pages of ciphertext, about 1 KB each: 10,000 tasks or more
PAGE = 2048  # bytes


class _Entry:
    """A task's row, or, for a task older than this process, the events that wait for its row from the read model."""

    __slots__ = ("pending", "progress", "row")

    def __init__(self, row: TaskRow | None) -> None:
        self.row = row
        self.pending: list[AnyTaskEvent] = []
        self.progress: dict[str, StageProgressed] = {}

    @property
    def weight(self) -> int:
        weight = 1 + len(self.pending)
        sealed = sum(len(getattr(event, "sealed", b"")) for event in self.pending)
        if self.row is not None:
            weight += len(self.row.stages)
            sealed += len(self.row.sealed) + sum(map(len, self.row.results.values()))
        return weight + sealed // PAGE


class Overlay:
    """The least recently changed tasks are forgotten when all together weigh more than `capacity`."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._weight = 0

    def apply(self, event: AnyTaskEvent) -> TaskRow | None:
        """Fold an event from the log; the row after it, None if its beginning is not known here."""
        entry = self._entries.pop(event.task_id, None)
        if entry is not None:
            self._weight -= entry.weight
        else:
            entry = _Entry(None)
        if entry.row is None and not isinstance(event, TaskQueued | TaskRejected):
            entry.pending.append(event)
        else:
            entry.row = apply_task(entry.row, event)
        if isinstance(event, StageCompleted | StageRetryScheduled | StageStopped):
            entry.progress.pop(event.stage_id, None)
        self._keep(event.task_id, entry)
        return entry.row

    def note(self, progress: StageProgressed) -> bool:
        """Remember the latest progress; whether it belongs to the running attempt as far as this process knows."""
        entry = self._entries.get(progress.task_id)
        stage = _stage(entry.row, progress.stage_id) if entry and entry.row else None
        if entry is None or stage is None:
            return entry is not None and entry.row is None
        if stage.status != "processing" or stage.attempt != progress.attempt:
            return False
        entry.progress[progress.stage_id] = progress
        return True

    def row(self, task_id: str) -> TaskRow | None:
        """The row, if all events of the task were seen here or were joined to a row of the read model."""
        entry = self._entries.get(task_id)
        return entry.row if entry else None

    def merge(self, base: TaskRow) -> TaskRow | None:
        """The read model's row brought up to date with the events seen here; None if events between them are missing."""
        entry = self._entries.get(base.task_id)
        if entry is None:
            return base
        if entry.row is not None:
            return entry.row if entry.row.shard_seq >= base.shard_seq else base
        row = base
        for event in entry.pending:
            if event.stamp.shard_seq <= row.shard_seq:
                continue
            if event.envelope.sequence != row.sequence + 1:
                return None
            row = apply_task(row, event)
        self._weight -= entry.weight
        entry.row, entry.pending = row, []
        self._weight += entry.weight
        return row

    def percent(self, task_id: str) -> dict[str, float]:
        """Progress 0-100 of the stages that are running, as last reported."""
        entry = self._entries.get(task_id)
        return {name: progress.percent for name, progress in entry.progress.items()} if entry else {}

    def clear(self) -> None:
        """Forget everything, after records were lost."""
        self._entries.clear()
        self._weight = 0

    def _keep(self, task_id: str, entry: _Entry) -> None:
        self._entries[task_id] = entry
        self._weight += entry.weight
        while self._weight > self._capacity and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._weight -= oldest.weight


def _stage(row: TaskRow, stage_id: str) -> StageRow | None:
    return next((stage for stage in row.stages if stage.stage_id == stage_id), None)
