"""The agent's side of the render child: one job at a time, cancelled within a grace time, replaced when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import assert_never

from msgspec.structs import replace

from gpu_agents.child import protocol
from gpu_agents.child.protocol import (
    Cancel,
    Done,
    Estimated,
    Failed,
    ModelTold,
    Probe,
    Probed,
    Progressed,
    Ready,
    Render,
    Reply,
)
from gpu_agents.worker.grace import StepTime, grace_of
from gpu_agents.worker.loaded import LoadedModels
from gpu_agents.worker.spawn import ChildProcess, describe_exit, spawn
from gpu_agents.worker.watchdog import RenderLimit, timed_out
from schemas.errors import ContractError

log = logging.getLogger(__name__)
DEFAULT_LIMIT = RenderLimit()
OUT_OF_MEMORY = "out_of_memory"


class Stop(Enum):
    """Why a job was told to stop."""

    CANCELLED = auto()
    TIMED_OUT = auto()


class RenderChild:
    """Owns at most one child process. Not for concurrent jobs; `cancel` and `kill` may come at any time."""

    def __init__(
        self,
        engines: Sequence[str],
        environ: Mapping[str, str],
        limit: RenderLimit = DEFAULT_LIMIT,
        on_model: Callable[[ModelTold], None] = lambda _: None,
    ) -> None:
        self._engines = engines
        self._environ = environ
        self._child: ChildProcess | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._on_progress: Callable[[Progressed], None] | None = None
        self._job_id = ""
        self._stop: Stop | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._limit = limit
        self._on_model = on_model
        self._loaded = LoadedModels()
        self._limit_seconds = 0.0
        self._steps = StepTime()
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

        The limit of a render counts from the engine's estimate; until that comes, starting and setting up have the
        least limit. A job that is over it is told to stop like a cancelled one and gives
        `Failed(code="render_timeout", retryable=True)`. A child that ran out of memory is ended: what fragments and what
        leaks goes with it. Cancelling the awaiting task kills the child.
        """
        self._job_id, self._on_progress, self._stop = job.job_id, on_progress, None
        self._loaded.begin(job.engine)
        self._watch(0.0)
        self._steps = StepTime()
        try:
            reply = await self._ask(job)
        except asyncio.CancelledError:
            await self.kill()
            raise
        finally:
            self._job_id, self._on_progress = "", None
            self._disarm()
        if isinstance(reply, Failed) and reply.code == OUT_OF_MEMORY:
            log.warning("the render process ran out of memory and is started anew")
            await self.kill()
        if isinstance(reply, Failed) and self._stop is Stop.TIMED_OUT:
            return timed_out(job.job_id, self._limit_seconds)
        if isinstance(reply, Done):
            return replace(reply, loaded=self._loaded.engines())
        if isinstance(reply, Failed):
            return reply
        raise ContractError(f"the child answered a job with {type(reply).__name__}")

    async def cancel(self, job_id: str) -> None:
        """Tell the running job to stop; it is killed after two steps' time. Another job id changes nothing."""
        if not job_id or job_id != self._job_id:
            return
        stopping, self._stop = self._stop is not None, Stop.CANCELLED
        if not stopping:
            self._order_stop()
            if self._child is not None:
                with contextlib.suppress(ConnectionError):  # it just died, which the reader reports
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
            if self._stop is not None and isinstance(message, Render):  # the order came while the child started
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
        self._tell_model(ModelTold(kind="ended"))
        self._resolve(self._crashed(code))

    def _take(self, reply: Reply) -> None:
        match reply:
            case Ready(pid=pid):
                self.pid = pid
            case Estimated(job_id=job_id, seconds=seconds):
                if job_id == self._job_id:
                    self._watch(seconds)
            case Progressed():
                if reply.job_id == self._job_id and self._on_progress is not None:
                    self._steps.reported(reply.step, time.monotonic())
                    self._on_progress(reply)
            case ModelTold():
                self._tell_model(reply)
            case Probed() | Done() | Failed():
                self._resolve(reply)
            case _:
                assert_never(reply)

    def _tell_model(self, event: ModelTold) -> None:
        self._loaded.told(event)
        self._on_model(event)

    def _resolve(self, reply: Reply) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)

    def _crashed(self, code: int) -> Failed:
        if self._stop is not None:
            detail = "the task was cancelled and its process ended"
            return Failed(
                job_id=self._job_id, error_type="RenderCancelled", code="cancelled", detail=detail, cancelled=True
            )
        detail = f"the render process ended with {describe_exit(code)}"
        return Failed(job_id=self._job_id, code="child_crashed", detail=detail, retryable=True)

    def _watch(self, estimated: float) -> None:
        """Begin to count the limit of a job that is estimated to take so many seconds from now on."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._limit_seconds = self._limit.seconds(estimated)
        self._watchdog = asyncio.get_running_loop().call_later(self._limit_seconds, self._time_out)

    def _time_out(self) -> None:
        if self._stop is None:
            log.warning("job %s takes longer than %g s and is told to stop", self._job_id, self._limit_seconds)
            self._stop = Stop.TIMED_OUT
            self._order_stop()

    def _order_stop(self) -> None:
        grace = grace_of(self._steps.seconds)
        self._killer = asyncio.get_running_loop().call_later(grace, self._kill_stubborn)
        if self._child is not None:
            self._child.writer.write(protocol.pack(Cancel(self._job_id)))

    def _disarm(self) -> None:
        for timer in (self._killer, self._watchdog):
            if timer is not None:
                timer.cancel()
        self._killer = self._watchdog = None

    def _kill_stubborn(self) -> None:
        log.warning("job %s did not stop in time: its process is killed", self._job_id)
        if self._child is not None:
            self._child.kill()
