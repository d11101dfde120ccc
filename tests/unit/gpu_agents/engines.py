"""Engines that misbehave on request: the prompt says how."""

# ruff: noqa: ARG002 - the puppet's tricks share one signature

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import ClassVar

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import ShotSpec, Spec


class PuppetEngine:
    """`prompt` is "WORD ARGUMENT"; a file named "main.txt" holding the seed is the picture."""

    name: ClassVar[str] = "puppet"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "7"

    def __init__(self) -> None:
        self.setups = 0
        self.told = threading.Event()

    def setup(self) -> None:
        self.setups += 1

    def estimate(self, spec: Spec) -> Estimate:
        assert isinstance(spec, ShotSpec)
        word, _, argument = spec.negative_prompt.partition(" ")
        if word == "fails":
            raise KeyError(argument)
        if word == "hangs":
            time.sleep(600)
        return Estimate(seconds=float(argument) if word == "seconds" else 1.0, steps=1)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        assert isinstance(spec, ShotSpec)
        word, _, argument = spec.prompt.partition(" ")
        getattr(self, f"do_{word}")(argument, context)
        path = context.workdir / "main.txt"
        path.write_text(f"seed {spec.seed}")
        file = OutputFile(role="main", path=path, content_type="text/plain", media={"width": 3, "duration": 1.5})
        return RenderOutput(
            files=[file],
            recipe={"seed": spec.seed, "pid": os.getpid(), "setups": self.setups},
            summary={"inputs": {name: Path(p).read_text() for name, p in context.inputs.items()}},
        )

    def cancel(self) -> None:
        self.told.set()

    def do_paint(self, argument: str, context: RenderContext) -> None:
        for step in range(3):
            context.progress(step + 1, 3, b"jpeg" if step == 1 else None)

    def do_last(self, argument: str, context: RenderContext) -> None:
        """Take so many seconds, without work."""
        end = time.monotonic() + float(argument)
        context.progress(1, 1000)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
            context.check_cancelled()

    def do_print(self, argument: str, context: RenderContext) -> None:
        print(argument)

    def do_exit(self, argument: str, context: RenderContext) -> None:
        os._exit(int(argument))

    def do_segfault(self, argument: str, context: RenderContext) -> None:
        ctypes.string_at(0)

    def do_refuse(self, argument: str, context: RenderContext) -> None:
        raise RenderError("the picture is too blue", code="too_blue")

    def do_bug(self, argument: str, context: RenderContext) -> None:
        raise KeyError(argument)

    def do_full(self, argument: str, context: RenderContext) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def do_escape(self, argument: str, context: RenderContext) -> None:
        context.workdir = Path(argument)

    def do_until_cancelled(self, argument: str, context: RenderContext) -> None:
        context.progress(1, 1000)
        while True:
            time.sleep(0.005)
            context.check_cancelled()

    def do_until_file(self, argument: str, context: RenderContext) -> None:
        context.progress(1, 1000, b"a small jpeg")
        while not Path(argument).exists():
            time.sleep(0.005)
            context.check_cancelled()

    def do_until_told(self, argument: str, context: RenderContext) -> None:
        context.progress(1, 1000)
        assert self.told.wait(60)
        context.check_cancelled()

    def do_hang(self, argument: str, context: RenderContext) -> None:
        """Spawn a grandchild, a daemon-like one too, note their pids and hear nothing any more."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        plain = subprocess.Popen(["sleep", "600"])
        escaped = subprocess.Popen(["sleep", "600"], start_new_session=True)
        Path(argument).write_text(f"{plain.pid} {escaped.pid}")
        context.progress(1, 1000)
        time.sleep(600)

    def do_memory(self, argument: str, context: RenderContext) -> None:
        block = bytearray(int(argument))
        block[::4096] = b"x" * len(block[::4096])


class HeavyEngine(PuppetEngine):
    name: ClassVar[str] = "heavy"

    def setup(self) -> None:
        raise ConfigurationError("weights 'heavy.safetensors' are missing")


class FatalEngine(PuppetEngine):
    name: ClassVar[str] = "fatal"

    def setup(self) -> None:
        os._exit(9)
