"""From raw bytes to a checked body, or one error that names every bad field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from api.bodies.base import Body
from api.errors import ApiError, invalid
from api.rules import BadField

B = TypeVar("B", bound=Body)
_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_LIMITS = {
    "string_too_short": ("min_length", "min_length"),
    "string_too_long": ("max_length", "max_length"),
    "too_short": ("min_length", "min_length"),
    "too_long": ("max_length", "max_length"),
    "greater_than_equal": ("minimum", "ge"),
    "less_than_equal": ("maximum", "le"),
    "multiple_of": ("multiple_of", "multiple_of"),
}
_NAMED = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "not_blank": "not_blank",
    "control_characters": "control_characters",
    "date_time": "date_time",
    "resolution": "resolution",
}


def parse_body(model: type[B], raw: bytes, now: datetime) -> B:
    """Check a JSON body. Raises `ApiError` "malformed_body" for what is no JSON object, else "validation_failed"."""
    try:
        data = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise ApiError("malformed_body", f"the body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ApiError("malformed_body", "the body must be a JSON object")
    body, bad = check_fields(model, raw, data, now)
    if body is None or bad:
        raise invalid(*bad)
    return body


def check_fields(model: type[B], raw: bytes, data: Mapping[str, Any], now: datetime) -> tuple[B | None, list[BadField]]:
    """The body, if its fields are right, and everything that is wrong; a field is named once."""
    try:
        body, bad = model.model_validate_json(raw), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        body, bad = None, [bad_field(detail) for detail in details]
    return body, unique([*bad, *model.cross_check(data, now)])


def unique(bad: Sequence[BadField]) -> list[BadField]:
    """The first complaint about each field."""
    return list({b.field: b for b in reversed(bad)}.values())[::-1]


def bad_field(detail: ErrorDetails) -> BadField:
    """One of pydantic's errors in our words."""
    field, kind, context = path_of(detail["loc"]), detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return BadField(field, "type", {"expected": _EXPECTED[kind]})
    if kind in _LIMITS:
        rule, figure = _LIMITS[kind]
        if context.get("field_type") == "List":
            rule = rule.replace("length", "items")
        return BadField(field, rule, {"limit": context[figure]})
    if kind == "literal_error":
        return BadField(field, "one_of", {"expected": context["expected"]})
    if kind == "string_pattern_mismatch":
        return BadField(field, "pattern", {"pattern": context["pattern"]})
    if kind.startswith(("datetime", "timezone")):
        return BadField(field, "date_time")
    return BadField(field, _NAMED.get(kind, "invalid"), context)


def path_of(location: Sequence[str | int]) -> str:
    """("scenes", 2, "prompt") → "scenes[2].prompt"."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
