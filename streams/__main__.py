"""`python -m streams coordinator` and `python -m streams read-models`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from infra.settings import Settings
from infra.telemetry import configure_logging
from schemas.errors import ConfigurationError, StoryreelError

log = logging.getLogger(__name__)
PROCESSES = ("coordinator", "read-models")
_CANNOT_START = 1
_BAD_USE = 64


async def run(process: str, settings: Settings) -> int:
    """Run one of the processes until SIGTERM or SIGINT; returns its exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if process == "coordinator":
        from streams import coordinator

        await coordinator.run(settings, stop)
        return 0
    from streams.read_models import worker

    return await worker.run(settings, os.environ, stop)


def main(arguments: Sequence[str]) -> int:
    """Start what the only argument names."""
    if len(arguments) != 1 or arguments[0] not in PROCESSES:
        print(f"usage: python -m streams {'|'.join(PROCESSES)}", file=sys.stderr)
        return _BAD_USE
    try:
        settings = Settings.from_env(os.environ)
        configure_logging(settings.log_level)
        if arguments[0] == "read-models":
            os.nice(settings.read_model_nice)
        start = uvloop.run if arguments[0] == "coordinator" else asyncio.run  # Faust brings a loop of its own
        return start(run(arguments[0], settings))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return _BAD_USE
    except StoryreelError as error:
        log.critical("%s", error)
        return _CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
