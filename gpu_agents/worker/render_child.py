"""The agent's side of the render child: one job at a time, cancelled within a grace time, replaced when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from gpu_agents.child import protocol
from gpu_agents.child.protocol import Cancel, Done, Failed, Probe, Probed, Progressed, Ready, Render, Reply
from gpu_agents.worker.spawn import ChildProcess, describe_exit, spawn
from schemas.errors import ContractError

log = logging.getLogger(__name__)
MIN_GRACE = 2.0  # seconds between the order to stop and the kill
MAX_GRACE = 30.0


def grace_of(step_seconds: float) -> float:
    """How long a job may take to stop: the time of two steps, at least 2 and at most 30 s."""
    return min(MAX_GRACE, max(MIN_GRACE, 2 * step_seconds))


class RenderChild:
    """Owns at most one child process. Not for concurrent jobs; `cancel` and `kill` may come at any time."""

    def __init__(self, engines: Sequence[str], environ: Mapping[str, str]) -> None:
        self._engines = engines
        self._environ = environ
        self._child: ChildProcess | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._on_progress: Callable[[Progressed], None] | None = None
        self._job_id = ""
        self._cancelled = False
        self._killer: asyncio.TimerHandle | None = None
        self._last_step = 0.0
        self._step_seconds = 0.0
        self.pid = 0

    async def probe(self, engine: str, timeout: float) -> Probed:
        """Whether the engine loads and sets up in the child; a crash or a silence of `timeout` seconds means no."""
        try:
            reply = await asyncio.wait_for(self._ask(Probe(engine)), timeout)
        except TimeoutError:
            await self.kill()
            return Probed(engine=engine, problem=f"no answer within {timeout:g} s")
        if isinstance(reply, Probed):
            return reply
        return Probed(engine=engine, problem=reply.detail if isinstance(reply, Failed) else "no sensible answer")

    async def render(self, job: Render, on_progress: Callable[[Progressed], None]) -> Done | Failed:
        """Run the job. A child that dies gives `Failed(code="child_crashed", retryable=True)`, or cancelled if told to.

        Cancelling the awaiting task kills the child.
        """
        self._job_id, self._on_progress, self._cancelled = job.job_id, on_progress, False
        self._last_step, self._step_seconds = time.monotonic(), 0.0
        try:
            reply = await self._ask(job)
        except asyncio.CancelledError:
            await self.kill()
            raise
        finally:
            self._job_id, self._on_progress = "", None
            self._disarm()
        if isinstance(reply, Done | Failed):
            return reply
        raise ContractError(f"the child answered a job with {type(reply).__name__}")

    async def cancel(self, job_id: str) -> None:
        """Tell the running job to stop; it is killed after two steps' time. Another job id changes nothing."""
        if not job_id or job_id != self._job_id or self._cancelled:
            return
        self._cancelled = True
        grace = grace_of(self._step_seconds)
        self._killer = asyncio.get_running_loop().call_later(grace, self._kill_stubborn)
        if self._child is not None:
            with contextlib.suppress(ConnectionError):  # it just died, which the reader reports
                self._child.writer.write(protocol.pack(Cancel(job_id)))
                await self._child.writer.drain()

    async def start(self) -> None:
        """Have a child ready, so that the next job does not wait for the interpreter."""
        if self._child is None:
            self._child = await spawn(self._engines, self._environ)
            self._reading = asyncio.create_task(self._read(self._child), name="render child")

    async def kill(self) -> None:
        """End the child and everything it started, and wait until it is gone."""
        if self._child is not None and self._reading is not None:
            self._child.kill()
            await self._reading

    async def _ask(self, message: Probe | Render) -> Reply:
        await self.start()
        assert self._child is not None
        self._answer = asyncio.get_running_loop().create_future()
        with contextlib.suppress(ConnectionError):  # it just died: the reader answers
            self._child.writer.write(protocol.pack(message))
            if self._cancelled and isinstance(message, Render):  # the order came while the child started
                self._child.writer.write(protocol.pack(Cancel(message.job_id)))
            await self._child.writer.drain()
        return await self._answer

    async def _read(self, child: ChildProcess) -> None:
        try:
            while True:
                header = await child.reader.readexactly(protocol.LENGTH.size)
                body = await child.reader.readexactly(protocol.body_length(header))
                self._take(protocol.unpack_reply(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            log.info("the render child is gone")
        except ContractError:
            log.exception("the render child cannot be understood and is killed")
        code = await child.wait()
        self._child = None
        self._resolve(self._crashed(code))

    def _take(self, reply: Reply) -> None:
        match reply:
            case Ready(pid=pid):
                self.pid = pid
            case Progressed():
                if reply.job_id == self._job_id and self._on_progress is not None:
                    now = time.monotonic()
                    self._step_seconds, self._last_step = now - self._last_step, now
                    self._on_progress(reply)
            case Probed() | Done() | Failed():
                self._resolve(reply)
            case _:
                assert_never(reply)

    def _resolve(self, reply: Reply) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)

    def _crashed(self, code: int) -> Failed:
        if self._cancelled:
            detail = "the task was cancelled and its process ended"
            return Failed(
                job_id=self._job_id, error_type="RenderCancelled", code="cancelled", detail=detail, cancelled=True
            )
        detail = f"the render process ended with {describe_exit(code)}"
        return Failed(job_id=self._job_id, code="child_crashed", detail=detail, retryable=True)

    def _disarm(self) -> None:
        if self._killer is not None:
            self._killer.cancel()
            self._killer = None

    def _kill_stubborn(self) -> None:
        log.warning("job %s did not stop in time: its process is killed", self._job_id)
        if self._child is not None:
            self._child.kill()
