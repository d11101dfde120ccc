"""One trace id per HTTP call: the caller's W3C `traceparent` or a new one; it names the call in answers, logs and records."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from api.language import Language

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
STATE_KEY = "storyreel"


def trace_id_from(traceparent: str) -> str:
    """The 32 hex digits of a valid `traceparent` (W3C Trace Context), else fresh ones."""
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if match and match[1] != "0" * 32 and match[2] != "0" * 16:
        return match[1]
    return secrets.token_hex(16)


def traceparent_of(trace_id: str) -> str:
    """A `traceparent` for records that this call causes."""
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


def remember(scope: Any, trace_id: str, language: Language) -> None:
    """Keep what belongs to the call in its ASGI scope."""
    scope.setdefault("state", {})[STATE_KEY] = {"trace_id": trace_id, "language": language}


def trace_id_of(scope: Mapping[str, Any]) -> str:
    """The call's trace id."""
    return str(_call(scope).get("trace_id", ""))


def language_of(scope: Mapping[str, Any]) -> Language:
    """The call's language."""
    return "zh" if _call(scope).get("language") == "zh" else "en"


def _call(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (scope.get("state") or {}).get(STATE_KEY, {})
    return found if isinstance(found, Mapping) else {}
