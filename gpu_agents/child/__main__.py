"""Composition root of the render child: guard outside, renderer inside."""

from __future__ import annotations

import argparse
import os

from gpu_agents.child.guard import guarded
from gpu_agents.child.targets import parse_targets


def main() -> None:
    """Fork the renderer under its guard; both ends are descriptors inherited from the agent."""
    parser = argparse.ArgumentParser(prog="python -m gpu_agents.child")
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the stream socket to the agent")
    parser.add_argument(
        "--lifeline", type=int, required=True, help="descriptor that reaches its end when all shall die"
    )
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=MODULE:CLASS")
    options = parser.parse_args()
    targets = parse_targets(options.engine)

    def render() -> None:
        from gpu_agents.child.main import serve

        serve(options.socket, targets, os.environ)

    for descriptor in (options.socket, options.lifeline):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the only form there is
    guarded(render, keep=options.socket, lifeline=options.lifeline)


if __name__ == "__main__":
    main()
