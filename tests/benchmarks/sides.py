"""The two services that are put under the same load."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

ACCOUNTS = 16  # so many share the load: no account meets its quota, none of the services waits for one row


class Side(Protocol):
    """A running service: same paths, same bodies, bearer keys.

    `processes` are pids by name; what they started belongs to them. `completed` counts finished tasks as GET sees them.
    `rested` returns when nothing is left to do, and raises if something is wrong then.
    """

    name: str
    base_url: str
    keys: list[str]
    logs: Path

    def processes(self) -> dict[str, int]: ...

    async def completed(self) -> int: ...

    async def rested(self) -> str: ...
