"""Who waits for which decision."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.decisions import RequestDecided


class DecisionBoard:
    """Hands each decision to the one call that waits for its request id; others' decisions pass by."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[RequestDecided]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def expect(self, request_id: str) -> Iterator[asyncio.Future[RequestDecided]]:
        """The future of a decision, known before the request is sent so that no answer can be missed."""
        future: asyncio.Future[RequestDecided] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            yield future
        finally:
            del self._waiting[request_id]

    def post(self, decision: RequestDecided) -> None:
        """A decision appeared on the log."""
        future = self._waiting.get(decision.request_id)
        if future is not None and not future.done():
            future.set_result(decision)
