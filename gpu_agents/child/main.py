"""The renderer: one thread reads the agent's orders, the main thread probes and renders, one job at a time."""

from __future__ import annotations

import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Mapping
from typing import NoReturn, assert_never

from msgspec.structs import replace

from gpu_agents.child import protocol
from gpu_agents.child.jobs import run_job
from gpu_agents.child.protocol import Cancel, ModelTold, Probe, Probed, Ready, Render, Reply
from gpu_agents.child.targets import load_engine, package_of
from gpu_agents.engines.base import Engine, needs_of
from gpu_agents.models.cache import ModelEvent
from gpu_agents.models.shelf import observe_models
from infra.telemetry import configure_logging

log = logging.getLogger(__name__)


def serve(descriptor: int, targets: Mapping[str, str], environ: Mapping[str, str]) -> NoReturn:
    """Serve the agent on the socket `descriptor` until it closes. Whatever libraries print goes to stderr."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    configure_logging(environ.get("STORYREEL_LOG_LEVEL", "INFO"))
    Renderer(socket.socket(fileno=descriptor), targets).run()


class Renderer:
    """Engines are loaded on first use and stay set up."""

    def __init__(self, connection: socket.socket, targets: Mapping[str, str]) -> None:
        self._connection = connection
        self._targets = targets
        self._sending = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._packages: dict[str, dict[str, str]] = {}
        self._inbox: queue.SimpleQueue[Probe | Render] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._current: tuple[str, Engine] | None = None

    def run(self) -> NoReturn:
        """Work until the agent is gone."""
        observe_models(self._tell_model)
        threading.Thread(target=self._read, name="orders", daemon=True).start()
        self._reply(Ready(pid=os.getpid()))
        while True:
            match self._inbox.get():
                case Probe(engine=name):
                    self._reply(self._probe(name))
                case Render() as job:
                    self._render(job)

    def _render(self, job: Render) -> None:
        def engine_of(name: str) -> Engine:
            engine = self._engine(name)
            self._current = (job.job_id, engine)
            return engine

        outcome = run_job(job, engine_of, self._reply, lambda: job.job_id in self._cancelled, self._package_of)
        self._current = None
        self._cancelled.clear()  # the agent sends the next job, and orders about it, only after this answer
        self._reply(outcome)

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            self._set_up(name, load_engine(name, self._targets))
        return self._engines[name]

    def _set_up(self, name: str, engine: Engine) -> None:
        engine.setup()
        self._engines[name] = engine

    def _package_of(self, name: str) -> dict[str, str]:
        if name not in self._packages:
            self._packages[name] = package_of(name, self._targets)
        return self._packages[name]

    def _probe(self, name: str) -> Probed:
        found = Probed(engine=name, package=" ".join(self._package_of(name).values()))
        try:
            engine = self._engines.get(name) or load_engine(name, self._targets)
            found = replace(found, kind=str(engine.kind), version=engine.version, needs=needs_of(engine))
            if name not in self._engines:
                self._set_up(name, engine)
        except Exception as error:
            return replace(found, problem=f"{type(error).__name__}: {error}")
        return found

    def _read(self) -> None:
        try:
            while (body := protocol.receive(self._connection)) is not None:
                match protocol.unpack_request(body):
                    case Cancel(job_id=job_id):
                        self._cancel(job_id)
                    case Probe() | Render() as order:
                        self._inbox.put(order)
                    case other:
                        assert_never(other)
        except Exception:
            log.exception("the agent cannot be understood")
            os._exit(1)
        os._exit(0)

    def _tell_model(self, event: ModelEvent) -> None:
        kind = event.kind.value
        told = ModelTold(kind=kind, model=event.model, size=event.size, held=event.held, seconds=event.seconds)
        self._reply(told)

    def _reply(self, message: Reply) -> None:
        frame = protocol.pack(message)
        with self._sending:
            self._connection.sendall(frame)

    def _cancel(self, job_id: str) -> None:
        self._cancelled.add(job_id)
        current = self._current
        if current is None or current[0] != job_id:
            return
        try:
            current[1].cancel()
        except Exception:
            log.exception("engine %s could not be told to stop", current[1].name)
