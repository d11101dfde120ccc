"""Starts a render child: its guard, the socket to talk over and the lifeline that ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

LIMIT = 1 << 20  # bytes buffered from the child before it has to wait


class ChildProcess:
    """A started child. `process` is the guard, which ends as the renderer ended."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        lifeline: int,
    ) -> None:
        self.process = process
        self.reader = reader
        self.writer = writer
        self._lifeline: int | None = lifeline

    def kill(self) -> None:
        """Let go of the lifeline: the guard kills the renderer and everything it started. May be called again."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    async def wait(self) -> int:
        """Kill whatever is left, wait for the end and return the exit code (negative = signal)."""
        self.kill()
        self.writer.close()
        return await self.process.wait()


async def spawn(engines: Sequence[str], environ: Mapping[str, str]) -> ChildProcess:
    """Start `python -m gpu_agents.child`; `engines` are NAME=MODULE:CLASS options. Raises `OSError`."""
    ours, theirs = socket.socketpair()
    held, lifeline = os.pipe()
    options = [word for engine in engines for word in ("--engine", engine)]
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gpu_agents.child",
            f"--socket={theirs.fileno()}",
            f"--lifeline={held}",
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), held),
            start_new_session=True,  # a Ctrl-C of the terminal reaches the agent alone, which then ends the child
            env=dict(environ),
        )
    except BaseException:
        os.close(lifeline)
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(held)
    reader, writer = await asyncio.open_connection(sock=ours, limit=LIMIT)
    return ChildProcess(process, reader, writer, lifeline)


def describe_exit(code: int) -> str:
    """Words for an exit: "exit code 3" or "signal SIGSEGV"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
