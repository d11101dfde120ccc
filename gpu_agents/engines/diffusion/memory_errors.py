"""What to do when the device runs out of memory: once with less, then never again on this device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from schemas.errors import RenderError

T = TypeVar("T")
log = logging.getLogger(__name__)
CODE = "out_of_memory"
_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, in the words of torch, of its allocators or of Python."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def with_less_memory(work: Callable[[], T], relieve: Callable[[], None]) -> tuple[T, bool]:
    """Do the work; if memory runs out, `relieve` the device and try once more. Also says whether that was needed.

    Raises a retryable `RenderError` `out_of_memory` the second time; the agent then starts its render process anew.
    """
    try:
        return work(), False
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log.warning("out of memory, tried again with less: %s", str(error).partition("\n")[0])
    relieve()  # outside the handler, so that the failed attempt's tensors are free
    try:
        return work(), True
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RenderError("the device ran out of memory", code=CODE, retryable=True) from error
