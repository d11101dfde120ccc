"""How a call to an S3 server is repeated and how its failures are named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import stamina
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError

from schemas.errors import ObjectMissingError, StoreError

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 4
DEADLINE_S = 120.0
_MISSING = frozenset({"NoSuchKey", "NoSuchObject"})
_TRANSIENT = frozenset(
    {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "IncompleteBody"}
)


def is_transient(error: Exception) -> bool:
    """Whether the same call may work in a moment: broken connections, timeouts, 5xx and the server's "slow down"."""
    if isinstance(error, S3Error):
        return error.code in _TRANSIENT
    return isinstance(error, HTTPError | ServerError | InvalidResponseError | ConnectionError)


def is_missing(error: Exception) -> bool:
    """Whether the server says that there is no such object."""
    return isinstance(error, S3Error) and error.code in _MISSING


async def call(what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking client call in a thread, up to four times on transient failures within two minutes.

    `function` must be repeatable (see `call_once`). Raises `ObjectMissingError` if there is no such object,
    `StoreError` otherwise; `what` (operation and key) opens the message.
    """
    retries = stamina.retry_context(
        on=is_transient, attempts=ATTEMPTS, timeout=DEADLINE_S, wait_initial=0.1, wait_max=2.0
    )
    with named(what):
        async for attempt in retries:
            with attempt:
                return await asyncio.to_thread(function, *args, **kwargs)
    raise StoreError(f"{what}: gave up")


async def call_once(what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `call` for steps that cannot be repeated, such as the next chunk of an answer."""
    with named(what):
        return await asyncio.to_thread(function, *args, **kwargs)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Turn the client's errors into `ObjectMissingError` and `StoreError`."""
    try:
        yield
    except (MinioException, HTTPError, OSError, ValueError) as error:
        if is_missing(error):
            raise ObjectMissingError(f"{what}: no such object") from error
        raise StoreError(f"{what}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, S3Error) else f"{type(error).__name__}: {error}"
