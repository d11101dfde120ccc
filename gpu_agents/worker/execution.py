"""One command at a time from the book to its outcome; delivery of one result overlaps the rendering of the next."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from gpu_agents import disk
from gpu_agents.child.protocol import Done, Failed, Render
from gpu_agents.worker import outcomes
from gpu_agents.worker.beginnings import Beginnings
from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.commands import CommandBook, Outcome
from gpu_agents.worker.delivery import Delivery
from gpu_agents.worker.failures import cancelled_failure, disk_failure
from gpu_agents.worker.inputs import fetch_inputs
from gpu_agents.worker.progress import ProgressTeller
from gpu_agents.worker.publisher import Publisher
from gpu_agents.worker.render_child import RenderChild
from gpu_agents.worker.sealing import Envelopes
from infra import crash_points
from infra.gathering import Gathered
from infra.object_store import ObjectStore
from infra.retrying import is_away, until_done
from infra.troubles import TroubleFile
from schemas.errors import StoryreelError
from schemas.render import RenderCommand, StageStartedReport, StageSucceededReport
from schemas.specs import Spec

log = logging.getLogger(__name__)
DELIVERIES = 4  # results on their way at once; beyond that rendering waits


class Tools(Struct, frozen=True, kw_only=True):
    """What executing a command needs; `scratch` is a folder of this device alone; `troubles` is shown to people."""

    child: RenderChild
    publisher: Publisher
    store: ObjectStore
    envelopes: Envelopes
    delivery: Delivery
    scratch: Path
    troubles: TroubleFile


class Rendered(Struct, frozen=True, kw_only=True):
    """A command whose render is over, on its way to the store and the log."""

    command: RenderCommand
    spec: Spec | None
    result: Done | Failed
    beginning: StageStartedReport
    folder: Path


class Execution:
    """Works on a `CommandBook` until cancelled. `wake` after every accepted command."""

    def __init__(self, book: CommandBook, tools: Tools) -> None:
        self._book = book
        self._tools = tools
        self._work = asyncio.Event()
        self._finished: asyncio.Queue[Rendered] = asyncio.Queue(maxsize=DELIVERIES)
        self._current = ""
        self._cancelled = False
        self._withdrawn: set[str] = set()
        self._storing: dict[str, asyncio.Task[StageSucceededReport]] = {}
        self._preparing: asyncio.Task[tuple[Spec, Render]] | None = None
        self._beginnings = Beginnings(tools.publisher)
        self._discarding = Gathered(_discard_all)
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    def wake(self) -> None:
        """There may be a new command in the book."""
        self._work.set()

    async def run(self) -> None:
        """Render and deliver until cancelled. Raises `NoRoomError`, in a group, when the disk takes no working files."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._render_all(), name="render")
                for number in range(DELIVERIES):
                    group.create_task(self._deliver_all(), name=f"deliver-{number}")
        finally:
            self._beginnings.close()

    async def cancel(self, key: str) -> None:
        """Stop the command that has this key, whether it is rendering or its files are being stored."""
        if key != self._current:
            self._withdrawn.add(key)
            if (storing := self._storing.get(key)) is not None:
                storing.cancel()
        elif key:
            self._cancelled = True
            if self._preparing is not None:
                self._preparing.cancel()
            await self._tools.child.cancel(key)

    async def drain(self, timeout: float) -> None:
        """Begin nothing any more, stop the running command without an outcome, give deliveries `timeout` seconds."""
        self._draining = True
        try:
            async with asyncio.timeout(timeout):
                await self.cancel(self._current)
                await self._idle.wait()
                await self._finished.join()
        except TimeoutError:
            log.warning("not everything was delivered before the end")

    async def _render_all(self) -> None:
        while not self._draining:
            command = self._book.next()
            if command is None:
                self._work.clear()
                await self._work.wait()
                continue
            self._idle.clear()
            crash_points.reach("agent.after_command")
            rendered = await self._render(command)
            if self._draining and isinstance(rendered.result, Failed):
                self._beginnings.forget(rendered.beginning)
            else:
                self._book.rendered()
                await self._finished.put(rendered)
            self._idle.set()

    async def _render(self, command: RenderCommand) -> Rendered:
        key = outcomes.key_of(command.task_id, command.stage_id, command.attempt)
        beginning = outcomes.started(command, utc_now())
        folder = self._tools.scratch / beginning.envelope.event_id
        self._current, self._cancelled = key, False
        self._beginnings.add(beginning)
        spec, result = await self._attempt(command, key, folder)
        self._current = ""
        if self._cancelled and not self._draining and isinstance(result, Done):
            result = cancelled_failure(key)  # done in the same moment: nobody wants it any more
        log.info("%s on %s: %s", key, command.engine, "done" if isinstance(result, Done) else result.code)
        return Rendered(command=command, spec=spec, result=result, beginning=beginning, folder=folder)

    async def _attempt(self, command: RenderCommand, key: str, folder: Path) -> tuple[Spec | None, Done | Failed]:
        spec = None
        self._preparing = asyncio.create_task(self._prepare(command, key, folder))
        try:
            spec, job = await self._preparing
        except StoryreelError as error:
            return None, Failed(job_id=key, code=error.code, detail=str(error), retryable=error.retryable)
        except OSError as error:
            return None, disk_failure(key, error)
        except asyncio.CancelledError:
            if not self._cancelled or _being_cancelled():
                raise
        finally:
            self._preparing = None
        if self._cancelled or spec is None:
            return None, cancelled_failure(key)
        teller = ProgressTeller(command, self._tools.publisher, self._tools.store)
        try:
            return spec, await self._tools.child.render(job, teller.offer)
        finally:
            teller.close()

    async def _prepare(self, command: RenderCommand, key: str, folder: Path) -> tuple[Spec, Render]:
        inputs, workdir = folder / "inputs", folder / "work"
        workdir.mkdir(parents=True, exist_ok=True)

        async def opened() -> tuple[Spec, dict[str, Path]]:
            spec = self._tools.envelopes.open_spec(command)
            return spec, await fetch_inputs(self._tools.store, command, spec, inputs)

        spec, files = await until_done(opened, is_away, wait_max=3.0)
        local = {name: str(path) for name, path in files.items()}
        return spec, Render(job_id=key, engine=command.engine, spec=spec, workdir=str(workdir), inputs=local)

    async def _deliver_all(self) -> None:
        while True:
            rendered = await self._finished.get()
            try:
                await self._blame_the_disk(rendered)
                outcome = await self._outcome(rendered)
                crash_points.reach("agent.after_upload")
                await self._discarding.get(rendered.folder)  # whatever counts is in the store and in memory
                crash_points.reach("agent.before_report")
                await self._beginnings.tell(rendered.beginning, outcome)
                crash_points.reach("agent.after_report")
                self._book.finish(rendered.command, outcome)
                self._withdrawn.discard(outcomes.key_of(outcome.task_id, outcome.stage_id, outcome.attempt))
            finally:
                self._finished.task_done()

    async def _blame_the_disk(self, rendered: Rendered) -> None:
        """Raise `NoRoomError` instead of reporting a failure that is the device's own: it would cost the stage an attempt.

        What needed more room than there was while others had enough has failed by itself and is reported.
        """
        if isinstance(rendered.result, Failed) and rendered.result.code in (disk.FULL, disk.UNUSABLE):
            await asyncio.to_thread(_discard, rendered.folder)
            if reason := await asyncio.to_thread(disk.lack_of_room, self._tools.scratch):
                raise disk.NoRoomError(reason)

    async def _outcome(self, rendered: Rendered) -> Outcome:
        command = rendered.command
        result: Done | Failed | StageSucceededReport = rendered.result
        if isinstance(result, Done) and rendered.spec is not None:
            key = outcomes.key_of(command.task_id, command.stage_id, command.attempt)
            result = await self._store(key, command, rendered.spec, result)
        if isinstance(result, Failed):
            return outcomes.failed(command, utc_now(), outcomes.problem_of(result), cancelled=result.cancelled)
        assert isinstance(result, StageSucceededReport)
        return result

    async def _store(self, key: str, command: RenderCommand, spec: Spec, done: Done) -> StageSucceededReport | Failed:
        """The report of success once all is stored, or why there is none: unusable, or cancelled meanwhile."""
        if key in self._withdrawn:
            return cancelled_failure(key)
        storing = self._storing[key] = asyncio.create_task(self._tools.delivery.store(command, spec, done))
        try:
            return await storing
        except StoryreelError as error:
            return Failed(job_id=key, code=error.code, detail=str(error), retryable=error.retryable)
        except asyncio.CancelledError:
            if key not in self._withdrawn or _being_cancelled():
                raise
            return cancelled_failure(key)
        finally:
            del self._storing[key]


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _discard_all(folders: Sequence[Path]) -> Mapping[Path, None]:
    """Threads that take turns at small system calls cost more than the calls: one at a time does it for all."""
    await asyncio.to_thread(_discard, *folders)
    return {}


def _discard(*folders: Path) -> None:
    """Remove working files. What a download that was called off still writes goes with the next lease."""
    for folder in filter(Path.exists, folders):
        shutil.rmtree(folder, onerror=lambda _, path, info: log.warning("%s is left for now: %s", path, info[1]))
