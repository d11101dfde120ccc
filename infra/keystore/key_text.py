"""The text of an API key: `sr_<key id>_<secret>_<checksum>`.

Key id 12, secret 32 (190 bits) and checksum 6 characters of base62. The checksum is the CRC-32 of everything before its
underscore: a mistyped key is refused without a look-up, and a secret scanner can tell a key from noise.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

from msgspec import Struct

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY_ID, _SECRET, _CHECKSUM = 12, 32, 6
_FORM = re.compile(r"sr_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})_([0-9A-Za-z]{6})", re.ASCII)


class KeyParts(Struct, frozen=True):
    """A well-formed key taken apart. `secret` must not be logged."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyParts({self.key_id!r})"


def generate() -> str:
    """A new random key."""
    body = f"sr_{_random(_KEY_ID)}_{_random(_SECRET)}"
    return f"{body}_{checksum(body)}"


def parse(text: str) -> KeyParts | None:
    """Parts of the key, None if its form or its checksum is wrong."""
    match = _FORM.fullmatch(text)
    if match is None or checksum(text[: match.end(2)]) != match[3]:
        return None
    return KeyParts(match[1], match[2])


def checksum(body: str) -> str:
    """CRC-32 of the text in six base62 digits (62**6 > 2**32)."""
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
