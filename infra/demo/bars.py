"""One live progress bar a kind of stage, fed from a task's stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

LABELS = {
    "embedding": "character",
    "script": "storyboard",
    "shot": "shots",
    "speech": "speech",
    "music": "music",
    "film": "film",
}


class StageBars:
    """Bars of one task: stages of a kind share a bar, whose total is their number and which moves with their progress."""

    def __init__(self, progress: Progress, stages: Sequence[Mapping[str, Any]]) -> None:
        self._progress = progress
        self._kind_of = {str(stage["id"]): str(stage["kind"]) for stage in stages}
        self._done = dict.fromkeys(self._kind_of, 0.0)
        self._bars: dict[str, TaskID] = {}
        for kind in dict.fromkeys(self._kind_of.values()):
            self._bars[kind] = progress.add_task(LABELS.get(kind, kind), total=self._total(kind), start=False)

    def take(self, name: str, data: Mapping[str, Any]) -> None:
        """Move the bars by one event of the stream."""
        detail = data.get("detail", data)
        stage_id = str(detail.get("stage_id", ""))
        if stage_id not in self._kind_of:
            return
        kind = self._kind_of[stage_id]
        if name in ("stage.started", "progress"):
            self._progress.start_task(self._bars[kind])
        if name == "progress":
            self._done[stage_id] = max(self._done[stage_id], min(0.99, float(data["percent"]) / 100))
        elif name == "stage.completed":
            self._done[stage_id] = 1.0
        elif name == "stage.retry_scheduled":
            self._done[stage_id] = 0.0
        done = sum(self._done[other] for other, its in self._kind_of.items() if its == kind)
        self._progress.update(self._bars[kind], completed=round(done, 2))

    def finish(self) -> None:
        """The task completed: whatever the stream did not tell is done too."""
        for kind, bar in self._bars.items():
            self._progress.update(bar, completed=self._total(kind))

    def _total(self, kind: str) -> int:
        return sum(1 for its in self._kind_of.values() if its == kind)


def stage_progress(console: Console) -> Progress:
    """The look of the bars."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description:<11}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


async def follow(
    console: Console,
    stages: Sequence[Mapping[str, Any]],
    events: AsyncIterator[tuple[str, dict[str, Any]]],
    outcome: Callable[[], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """Show a task's bars until its stream ends; returns the task as `outcome` then gives it."""
    with stage_progress(console) as progress:
        bars = StageBars(progress, stages)
        async for name, data in events:
            bars.take(name, data)
        task = await outcome()
        if task["status"] == "completed":
            bars.finish()
    return task
