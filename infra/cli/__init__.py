"""The command `storyreel`."""

from infra.cli.app import main

__all__ = ["main"]
