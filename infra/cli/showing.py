"""What a person sees while parts are fetched and a stack starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from infra.cli.status import process_table
from infra.local.bundles import Bundle
from infra.local.lifecycle import Failure
from infra.local.parts import Parts, fetch_parts
from infra.local.stack import LocalStack


def fetch_shown(console: Console, cache: Path | None = None) -> Parts:
    """Fetch what is missing of Kafka and the registry with a bar each; verified parts show nothing."""
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("fetching {task.description:<9}"), BarColumn(40), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:

        def moved(bundle: Bundle, received: int, total: int) -> None:
            if bundle.name not in bars:
                bars[bundle.name] = progress.add_task(bundle.name, total=total)
            progress.update(bars[bundle.name], completed=received, total=total)

        def waiting() -> None:
            console.print("waiting for another start that fetches the same parts")

        return fetch_parts(cache, moved, waiting)


class StartView:
    """A live table of a stack's processes; failures are told above it with the last lines of their logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self.stack: LocalStack | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table while the block runs; it disappears afterwards."""
        with Live(console=self._console, refresh_per_second=8, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def changed(self) -> None:
        """Redraw after a change of a process."""
        if self._live is not None and self.stack is not None:
            self._live.update(Group(Text("starting the local stack"), self.table()))

    def failed(self, failure: Failure) -> None:
        """Tell that a process ended and will be started again."""
        self._console.print(f"[red]{failure.name}[/] {failure.reason}; it is started again in {failure.pause:g} s")
        for line in failure.log_lines[-5:]:
            self._console.print(f"  {line[:300]}", markup=False, highlight=False)

    def table(self) -> Table:
        """The processes as they are now."""
        records = self.stack.state.processes if self.stack is not None else []
        rows: list[dict[str, object]] = [
            {"name": r.name, "pid": r.pid, "state": r.state, "restarts": r.restarts, "troubles": []} for r in records
        ]
        return process_table(rows)


def tell_endpoints(tell: Callable[[str], None], endpoints: dict[str, str]) -> None:
    """One line an endpoint, the API with its documentation first."""
    if "api" in endpoints:
        tell(f"api       {endpoints['api']}  (documentation: {endpoints['api']}/docs)")
    for name in ("kafka", "registry", "postgres"):
        if name in endpoints:
            tell(f"{name:9} {endpoints[name]}")
