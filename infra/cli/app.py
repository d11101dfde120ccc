"""The command line as a whole: its commands, and how errors look."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter

from infra.cli import account, dlq, down, export, kafka, log, restart, status, store, topics, up, user
from schemas.errors import StoryreelError

INTERRUPTED = 130
PLUGGED_IN = {
    "projections": ("projections.cli:app", "The read models in PostgreSQL: derived again, or compared with the log."),
    "models": ("gpu_agents.models.cli:app", "Models of the registry that STORYREEL_MODELS names."),
}
"""Groups of commands of packages above this one: named here, imported only when one of them is called."""


def build_app() -> App:
    """All commands. A module `infra.cli.demo` that has a function `register(app)` adds its own."""
    app = App(name="storyreel", help="Scripts, prompts and photos to film, every step an event on Kafka.")
    app.command(up.up)
    app.command(down.down)
    app.command(restart.restart)
    app.command(status.status)
    app.command(user.app)
    app.command(account.app)
    app.command(topics.app)
    app.command(kafka.kafka)
    export.register(log.app)
    app.command(log.app)
    app.command(dlq.app)
    app.command(store.app)
    for name, (path, text) in PLUGGED_IN.items():
        app.command(path, name=name, help=text)
    if importlib.util.find_spec("infra.cli.demo") is not None:
        importlib.import_module("infra.cli.demo").register(app)
    return app


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process: code 0, 1 with one line on stderr, 3 if nothing runs, 130 on Ctrl-C."""
    app = build_app()
    logging.getLogger("stamina").setLevel(logging.ERROR)  # retries are no news for a person; their end is
    debug = False

    @app.meta.default
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        debug_: Annotated[bool, Parameter(name="--debug", negative="", help="Show tracebacks of errors.")] = False,
    ) -> None:
        nonlocal debug
        debug = debug_
        app(tokens)

    try:
        app.meta(argv if argv is not None else sys.argv[1:])
    except BrokenPipeError:  # whoever read the output has seen enough: `storyreel log tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (StoryreelError, OSError) as error:  # OSError: a missing permission, a full disk
        if debug:
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
