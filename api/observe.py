"""The outermost layer: every call gets its id and language, is measured, and is answered with both."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.language import preferred_language
from api.metrics import Metrics
from api.trace import remember, trace_id_of
from schemas.ids import new_id

UNROUTED = "unmatched"


class Observe:
    """Wraps the whole application, so that unknown paths are seen too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        remember(scope, new_id(), preferred_language(_header(scope, b"accept-language")))
        begun, status = time.perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                trace = (b"x-trace-id", trace_id_of(scope).encode())
                message["headers"] = [*message["headers"], trace]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            route = str(scope.get("path_template") or UNROUTED)
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.latency.labels(route).observe(time.perf_counter() - begun)


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
