"""Rules for what callers pass to a store. One place, so that every adapter refuses the same things."""

from __future__ import annotations

import re

from schemas.errors import ContractError

MAX_KEY = 512
MAX_SEGMENT = 200  # leaves room for a suffix within the 255 bytes of a file name
MAX_EXPIRY_S = 7 * 86_400  # the longest life of a presigned URL in AWS Signature Version 4
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(; ?[a-z0-9-]+=[A-Za-z0-9_.-]+)*", re.ASCII)


def check_key(key: str) -> str:
    """The key itself if it is relative, of safe segments and at most 512 characters, else `ContractError`.

    A segment has 1-200 of A-Z a-z 0-9 . _ - and is neither "." nor "..".
    """
    if len(key) > MAX_KEY:
        raise ContractError(f"object key: {len(key)} characters, at most {MAX_KEY} are allowed")
    if not key:
        raise ContractError("object key: must not be empty")
    for segment in key.split("/"):
        _check_segment(key, segment)
    return key


def check_prefix(prefix: str) -> str:
    """A prefix is the start of a key: "", or a key that may also end in "/" or within a segment."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def check_range(start: int, end: int | None) -> None:
    """Raise `ContractError` unless 0 <= start <= end."""
    if start < 0 or (end is not None and end < start):
        raise ContractError(f"range {start}-{end}: must satisfy 0 <= start <= end")


def check_content_type(value: str) -> str:
    """A media type such as `image/png` or `text/plain; charset=utf-8`; it goes into a header: nothing else passes.

    Returned without the space after ";", the form every server hands back alike.
    """
    if len(value) > 100 or not _CONTENT_TYPE.fullmatch(value):
        raise ContractError(f"content type {value[:100]!r}: must look like image/png, at most 100 characters")
    return normal_content_type(value)


def normal_content_type(value: str) -> str:
    """The media type in the form that `check_content_type` returns."""
    return value.replace("; ", ";")


def check_expiry(seconds: int) -> int:
    """Life of a signed URL: 1 second to 7 days."""
    if not 1 <= seconds <= MAX_EXPIRY_S:
        raise ContractError(f"expires_s {seconds}: must be 1 to {MAX_EXPIRY_S}")
    return seconds


def _check_segment(key: str, segment: str) -> None:
    if not segment:
        raise ContractError(f"object key {key!r}: must be relative and have no empty segment")
    if segment in {".", ".."}:
        raise ContractError(f"object key {key!r}: segments . and .. are not allowed")
    if len(segment) > MAX_SEGMENT:
        raise ContractError(f"object key {key[:40]!r}...: a segment has at most {MAX_SEGMENT} characters")
    if not _SEGMENT.fullmatch(segment):
        raise ContractError(f"object key {key!r}: only A-Z a-z 0-9 . _ - are allowed in a segment")
