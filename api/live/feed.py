"""Where each record of the tail goes."""

from __future__ import annotations

from api.live.decisions import DecisionBoard
from api.live.hub import Hub
from api.live.overlay import Overlay
from api.metrics import Metrics
from projections.folds.task_events import task_event_row
from projections.folds.task_rows import TaskRow
from schemas.decisions import RequestDecided
from schemas.envelope import Record
from schemas.render import StageProgressed
from schemas.tasks import TaskCancelled, TaskCompleted, TaskEvent, TaskExpired, TaskFailed, TaskQueued


class Feed:
    """Decisions to their waiters, task events to the overlay, the streams and the metrics, progress to both of the first."""

    def __init__(self, board: DecisionBoard, overlay: Overlay, hub: Hub, metrics: Metrics) -> None:
        self._board, self._overlay, self._hub, self._metrics = board, overlay, hub, metrics

    def on_record(self, record: Record) -> None:
        """Take one record; other topics are followed for their positions only."""
        match record:
            case RequestDecided():
                self._board.post(record)
            case TaskEvent():
                row = self._overlay.apply(record)  # type: ignore[arg-type]
                if self._hub.follows(record.task_id, record.envelope.account_id):
                    self._hub.publish(task_event_row(record))  # type: ignore[arg-type]
                self._count(record, row)
            case StageProgressed():
                if self._overlay.note(record):
                    self._hub.publish(record)
            case _:
                return

    def on_gap(self) -> None:
        """Records were lost to this process: what it knows may be old, so it forgets and everybody reads the log again."""
        self._overlay.clear()
        self._hub.drop_all()

    def _count(self, event: TaskEvent, row: TaskRow | None) -> None:
        kind = row.kind.value if row else "unknown"
        match event:
            case TaskQueued():
                self._metrics.tasks.labels(kind).inc()
            case TaskCompleted():
                self._metrics.completed.labels(kind).inc()
            case TaskFailed() | TaskExpired():
                self._metrics.failed.labels(kind).inc()
            case TaskCancelled():
                self._metrics.cancelled.labels(kind).inc()
            case _:
                return
        if row is not None and row.started_at is not None and row.finished_at is not None:
            self._metrics.processing.labels(kind).observe((row.finished_at - row.started_at).total_seconds())
