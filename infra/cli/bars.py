"""The bar of commands that read the whole log: what is being read, how far, how fast, how long yet."""

from __future__ import annotations

from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text


def rated(width: int, unit: str) -> tuple[ProgressColumn, ...]:
    """Columns of a bar whose description takes `width` characters and whose rate counts `unit` a second."""
    text = TextColumn(f"{{task.description:<{width}}}")
    return text, BarColumn(30), TaskProgressColumn(), _Rate(unit), TimeRemainingColumn()


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} {self._unit}/s")
