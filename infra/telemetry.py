"""Logs as one JSON object a line on stderr; the supervisor keeps them by process."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

CHATTY = (
    "aiokafka",
    "faust",
    "mode",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "uvicorn.access",
    "asyncio",
    "urllib3",
)
REPEAT_SECONDS = 10.0  # a line that repeats is shown at most this often, with the number of those left out
_REMEMBERED = 1_000


class JsonFormatter(logging.Formatter):
    """time (UTC, RFC 3339), level, logger, message, how many repeats were left out, and the traceback as one string."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if left_out := getattr(record, "left_out", 0):
            entry["left_out"] = left_out
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class RepeatFilter(logging.Filter):
    """Lets a line of a library through once in `seconds`: a broker that is away must not fill the disk with complaints.

    Lines are the same when logger and text before the arguments are the same; `clock` gives monotonic seconds.
    """

    def __init__(self, seconds: float = REPEAT_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is shown."""
        if not record.name.startswith(CHATTY):
            return True
        now = self._clock()
        key = (record.name, str(record.msg)[:80])
        since, left_out = self._seen.get(key, (float("-inf"), 0))
        if now - since < self._seconds:
            self._seen[key] = (since, left_out + 1)
            return False
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, 0)
        record.left_out = left_out
        return True


def configure_logging(level: str) -> None:
    """Send every logger's lines to stderr; chatty libraries speak from WARNING on and never repeat themselves at once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
