"""Signed URLs of the local store: an HMAC-SHA256 over the key and every parameter.

The signed text is a JSON list `["GET", key, expires, filename, content_type]`, which cannot be read in two ways.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec

from infra.object_store.keys import check_content_type
from schemas.errors import ContractError

_PARAMETERS = frozenset({"expires", "signature", "filename", "content_type"})
_MAX_FILENAME = 200


class UrlSigner:
    """Signs and verifies. `key` is a secret of at least 32 bytes shared by every API process."""

    def __init__(self, base_url: str, key: bytes) -> None:
        if len(key) < 32:
            raise ContractError(f"signing key: {len(key)} bytes, at least 32 are needed")
        self._base_url = base_url.rstrip("/")
        self._key = key

    def sign(self, key: str, expires: int, filename: str | None, content_type: str | None) -> str:
        """URL of `key` that is good up to and including the Unix second `expires`."""
        parameters = {"expires": str(expires)}
        if filename is not None:
            parameters["filename"] = check_filename(filename)
        if content_type is not None:
            parameters["content_type"] = check_content_type(content_type)
        parameters["signature"] = self._signature(key, parameters)
        return f"{self._base_url}/objects/{quote(key)}?{urlencode(parameters)}"

    def verify(self, key: str, parameters: Mapping[str, str], now: float) -> bool:
        """Whether these (decoded) query parameters give access to `key` at `now`, in constant time.

        Any parameter that is not covered by the signature makes the answer False.
        """
        expires = parameters.get("expires", "")
        if not _PARAMETERS.issuperset(parameters) or not (expires.isascii() and expires.isdigit()) or len(expires) > 15:
            return False
        given = parameters.get("signature", "").encode("utf-8", "surrogatepass")
        genuine = hmac.compare_digest(given, self._signature(key, parameters).encode())
        return genuine and now <= int(expires)

    def _signature(self, key: str, parameters: Mapping[str, str]) -> str:
        text = ["GET", key, parameters["expires"], parameters.get("filename"), parameters.get("content_type")]
        return hmac.digest(self._key, msgspec.json.encode([_printable(part) for part in text]), hashlib.sha256).hex()


def check_filename(name: str) -> str:
    """A name to save a file under: 1-200 printable characters without a path separator, else `ContractError`."""
    if not 1 <= len(name) <= _MAX_FILENAME or not name.isprintable() or "/" in name or "\\" in name:
        raise ContractError(f"filename {name[:_MAX_FILENAME]!r}: 1-{_MAX_FILENAME} printable characters, no / or \\")
    return name


def content_disposition(filename: str) -> str:
    """Header value that makes a browser save the answer as `filename`.

    RFC 6266 with an ASCII fallback for old clients and the RFC 8187 form for everything else.
    """
    check_filename(filename)
    fallback = "".join(c if c.isascii() and c not in '"%' else "_" for c in filename)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _printable(part: str | None) -> str | None:
    return None if part is None else part.encode("utf-8", "backslashreplace").decode()
