"""When a failed message is tried again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from schemas.errors import ConfigurationError

LONGEST = 7 * 86_400.0  # seconds
JITTER = 0.1


def parse_retries(text: str) -> tuple[float, ...]:
    """Waits in seconds, e.g. "5,300"; "" for a single attempt. Raises `ConfigurationError`."""
    try:
        waits = tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise ConfigurationError(f"STORYREEL_WEBHOOK_RETRIES: seconds separated by commas, got {text!r}") from error
    if not all(0 < wait <= LONGEST for wait in waits):
        raise ConfigurationError(
            f"STORYREEL_WEBHOOK_RETRIES: each wait is above 0 and at most {LONGEST:g} s, got {text!r}"
        )
    return waits


def next_wait(waits: Sequence[float], attempts: int, chance: float) -> timedelta | None:
    """How long to wait after the `attempts`-th failure, up to 10 % longer by `chance` in 0..1; None after the last."""
    if attempts > len(waits):
        return None
    return timedelta(seconds=waits[attempts - 1] * (1 + JITTER * chance))


def horizon(waits: Sequence[float]) -> timedelta:
    """Longest time from an event to its last attempt; older events are not sent any more."""
    return timedelta(seconds=sum(waits) * (1 + JITTER) + 3600)
