"""One id per HTTP call: it is the request id on the log, and its hex digits are the trace id of every record it causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.language import Language

_STATE_KEY = "storyreel"


def remember(scope: Any, request_id: str, language: Language) -> None:
    """Keep what belongs to the call in its ASGI scope."""
    scope.setdefault("state", {})[_STATE_KEY] = {"request_id": request_id, "language": language}


def request_id_of(scope: Mapping[str, Any]) -> str:
    """The call's id, a UUIDv7."""
    return str(_call(scope).get("request_id", ""))


def trace_id_of(scope: Mapping[str, Any]) -> str:
    """The call's W3C trace id, 32 hex digits."""
    return request_id_of(scope).replace("-", "")


def language_of(scope: Mapping[str, Any]) -> Language:
    """The call's language."""
    return "zh" if _call(scope).get("language") == "zh" else "en"


def _call(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (scope.get("state") or {}).get(_STATE_KEY, {})
    return found if isinstance(found, Mapping) else {}
