"""Names of the installed engines, read from package metadata without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from api.rules import BadField

GROUP = "storyreel.engines"
MAX_NAME = 64 + 1 + 64  # characters of ENGINE/MODEL; a model's name alone may have 64
BUILT_IN: dict[str, str] = {
    "sketch": "image",
    "null": "image",
    "diffusers": "image",
    "instantid": "image",
    "animatic": "video",
    "speech": "speech",
    "tone": "music",
    "rules": "script",
    "diffusers-video": "video",
    "upscale": "upscale",
    "descriptor": "face",
    "insightface": "face",
    "clip-face": "face",
}

_EXTRA = "the extra storyreel[gpu] on the device"
_PACK = "an insightface model pack"
NEEDS: dict[str, tuple[str, ...]] = {
    "diffusers": (_EXTRA, "a model of kind image"),
    "instantid": (
        _EXTRA,
        "a model of kind image",
        "a controlnet and an ip-adapter of family instantid",
        _PACK,
    ),
    "diffusers-video": (_EXTRA, "a model of kind video"),
    "speech": ("espeak-ng on the device",),
    "insightface": (_EXTRA, _PACK),
    "clip-face": (_EXTRA, "a picture encoder of CLIP's kind"),
}
_NO_DETECTOR = (
    "without STORYREEL_FACE_DETECTOR_MODEL on the device it looks for no face: it compares the middles of pictures, and "
    "shots are not scored"
)
_NO_PROOF = "a score is a likeness, no proof of identity"
LIMITS: dict[str, tuple[str, ...]] = {
    "descriptor": (
        "does not tell people apart: it tells copies of a picture from other pictures, and answers no same_person",
        _NO_DETECTOR,
        _NO_PROOF,
    ),
    "clip-face": (
        "does not tell people apart: it tells likeness, clothes and style at once, and answers no same_person",
        _NO_DETECTOR,
        _NO_PROOF,
    ),
    "insightface": (
        "the licence of the pack has to be accepted before it is used; published packs are for research only",
        _NO_PROOF,
    ),
    "instantid": ("draws only shots that name a character", "the licences of its models and of the pack apply"),
}
WITH_MODELS = ("diffusers", "instantid", "diffusers-video", "upscale")
MAKE_CLIPS = ("diffusers-video",)  # of the video engines, those that make one shot; the film is cut by another
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def needs_of(name: str, told: Sequence[str]) -> list[str]:
    """What an engine needs: what its devices tell of a plugin, else what is known of ours; of ENGINE/MODEL that model."""
    base, _, model = name.partition("/")
    needs = list(told or NEEDS.get(base, ()))
    if not model:
        return needs
    if base == "upscale":
        needs = [_EXTRA]  # without a model it does without
    return [*(need for need in needs if not need.startswith("a model of kind ")), f"the model {model}"]


def base_name(engine: str) -> str:
    """The engine of a name, which may be ENGINE/MODEL."""
    return engine.partition("/")[0]


def makes_clips(engine: str) -> bool:
    """Whether a video engine sets single shots in motion instead of cutting the film."""
    return base_name(engine) in MAKE_CLIPS


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
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or name in allowed:
        return []
    engine, slash, model = name.partition("/")
    if slash and engine in allowed and engine in WITH_MODELS and _MODEL.fullmatch(model):
        return []  # which models there are, the devices know
    return [BadField(field, "engine", {"kind": kind, "expected": ", ".join(allowed)})]
