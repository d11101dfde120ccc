"""Names of the installed engines, read from package metadata without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from api.rules import BadField

GROUP = "storyreel.engines"
BUILT_IN: dict[str, str] = {
    "sketch": "image",
    "null": "image",
    "diffusers": "image",
    "instantid": "image",
    "animatic": "video",
    "speech": "speech",
    "tone": "music",
    "rules": "script",
    "descriptor": "face",
    "insightface": "face",
    "clip-face": "face",
}


@cache
def installed_engines() -> tuple[str, ...]:
    """Every entry point name of the group, sorted; what is installed does not change while the process runs."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def engines_for(kind: str) -> list[str]:
    """Installed engines that make `kind`; the kind of a plugin from elsewhere is not known here, so it is allowed."""
    return [name for name in installed_engines() if BUILT_IN.get(name, kind) == kind]


def engine_errors(data: Mapping[str, Any], field: str, kind: str) -> list[BadField]:
    """An engine name that cannot make this kind of thing."""
    name = data.get(field)
    allowed = engines_for(kind)
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or name in allowed:
        return []
    return [BadField(field, "engine", {"kind": kind, "expected": ", ".join(allowed)})]
