"""Who calls: API keys as bearer tokens, checked before anything else of a request is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api.errors import ApiError
from infra.keystore import Principal

Guard = Callable[
    [ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]
]  # Litestar runs others in a thread
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="storyreel"'}


class Authenticator(Protocol):
    """The keystore as far as credentials go."""

    def authenticate(self, text: str, now: float | None = None) -> Principal | None:
        """Whose API key this is, None if it is not good."""
        ...


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The key in `Authorization: Bearer KEY` or `X-API-Key: KEY`."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key") or None


def authenticated(keystore: Authenticator) -> Guard:
    """A guard that names the caller in `request.user` or answers 401."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        text = presented_key(connection.headers)
        principal = keystore.authenticate(text) if text else None
        if principal is None:
            raise ApiError("unauthenticated", headers=CHALLENGE)
        connection.scope["user"] = principal

    return guard


async def operators_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard that answers 403 to members; it runs after `authenticated`."""
    if connection.user.role not in {"operator", "admin"}:
        raise ApiError("forbidden")
