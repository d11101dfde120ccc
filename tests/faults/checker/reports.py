"""I4: which report an event of a stage comes from; one about another attempt, epoch or device must change nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from schemas.render import StageReport
from schemas.tasks import StageCompleted, StageRetryScheduled, StageStarted, StageStopped
from tests.faults.checker.records import Logged
from tests.faults.checker.violations import Findings

StageEvent = StageStarted | StageCompleted | StageRetryScheduled | StageStopped


class Reports:
    """Walks through the reports beside the ledger."""

    def __init__(self, findings: Findings, reports: Iterator[Logged]) -> None:
        self._fail = findings
        self._reports = reports
        self._now: Logged | None = None

    def check(self, logged: Logged, event: StageEvent, outstanding: tuple[int, str, int]) -> None:
        """Whether the event comes from a report about the `outstanding` (attempt, device, epoch), or needs none."""
        cause = event.envelope.causation_id
        if not cause and isinstance(event, StageRetryScheduled | StageStopped):
            return  # the device is lost
        offset = event.stamp.reports_position - 1
        while (self._now is None or self._now.raw.offset < offset) and (following := next(self._reports, None)):
            self._now = following
        report = self._now
        if report is None or report.raw.offset != offset or report.record is None:
            self._fail.add("I4", f"no report led to it (reports@{offset} is no record)", logged.ref)
            return
        if report.record.envelope.event_id != cause or not isinstance(report.record, StageReport):
            self._fail.add("I4", "its cause is not the report that was read", report.ref, logged.ref)
            return
        said = report.record
        named = (said.task_id, said.stage_id, said.attempt, said.device_id, said.epoch)
        if named != (event.task_id, event.stage_id, *outstanding):
            self._fail.add("I4", "it comes from a report about another attempt", report.ref, logged.ref)

    def finish(self) -> None:
        """Walk to the end, so that every record was looked at."""
        self._now = next(reversed(deque(self._reports, maxlen=1)), self._now)
