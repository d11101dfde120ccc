"""Choosing TCP ports on the loopback address."""

from __future__ import annotations

import random
import socket

from schemas.errors import InfrastructureError

_RANGE = (
    20000,
    32000,
)  # below the usual ephemeral range, so no outgoing connection takes a port between choice and use
_TRIES = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `host`:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose(preferred: int | None = None, taken: frozenset[int] = frozenset(), host: str = "127.0.0.1") -> int:
    """`preferred` if it is free, else another free port that is not in `taken`.

    Raises `InfrastructureError` when no port is free.
    """
    if preferred is not None and preferred not in taken and is_free(preferred, host):
        return preferred
    for _ in range(_TRIES):
        port = random.randrange(*_RANGE)
        if port not in taken and is_free(port, host):
            return port
    raise InfrastructureError(f"no free TCP port on {host} in {_RANGE[0]}-{_RANGE[1]}")
