"""`python -m api`: the HTTP edge as one process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from types import FrameType

import uvicorn
import uvloop

from api.app import create_app
from api.compose import running
from api.deps import Deps
from api.live.hub import Hub
from infra.ready import mark_ready
from infra.settings import Settings
from infra.telemetry import configure_logging

log = logging.getLogger("api")
MAX_MESSAGE = 64 * 1024  # bytes of what a client says over a WebSocket; one message of 4 KB is all it needs
GRACE_S = 10  # for calls that are being answered when the process is told to stop


class Server(uvicorn.Server):
    """Ends open event streams before it waits for calls to finish; clients resume them elsewhere."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind the port, then say so."""
        await super().startup(sockets)
        self.listening.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called on SIGINT and SIGTERM."""
        self._hub.close()
        super().handle_exit(sig, frame)


async def serve(environ: Mapping[str, str]) -> int:
    """Run until told to stop; the exit status."""
    settings = Settings.from_env(environ)
    configure_logging(settings.log_level)
    async with running(settings, environ) as (deps, following):
        config = uvicorn.Config(
            create_app(deps),
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            ws_max_size=MAX_MESSAGE,
        )
        server = Server(config, deps.hub)
        serving = asyncio.create_task(server.serve())
        starting = asyncio.create_task(_started(server, deps))
        await asyncio.wait({serving, starting, following}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            mark_ready(environ)
            log.info("serving on %s", settings.base_url)
        starting.cancel()
        await asyncio.wait({serving, following}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            log.critical("the tail ended", exc_info=following.exception())
            server.handle_exit(signal.SIGTERM, None)
            await serving
            return 1
        await serving
        return 0


async def _started(server: Server, deps: Deps) -> None:
    await server.listening.wait()
    await deps.tail.started.wait()


def main() -> None:
    """Entry point."""
    sys.exit(uvloop.run(serve(os.environ)))


if __name__ == "__main__":
    main()
