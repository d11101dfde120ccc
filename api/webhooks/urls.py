"""Which URLs may be given. Pure: what a name stands for is looked at when it is resolved."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from api.webhooks.addresses import refusal

MAX_LENGTH = 2048
FIRST_FREE_PORT = 1024
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_OURS = ("localhost", "local", "internal", "lan", "home", "arpa", "test", "invalid")


class UrlError(ValueError):
    """A URL that may not be called; the words say which rule it broke."""


class Target(Struct, frozen=True):
    """Where a message goes: `path` with the query, `host` in lower case and without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def parse_target(url: str, *, allow_private: bool = False) -> Target:
    """The parts of a URL. Raises `UrlError`.

    It is https, names a public host (a domain name or an address in its usual notation), port 443 or one from 1024 on,
    and holds neither credentials nor a fragment. `allow_private` also allows http, any port and hosts of one's own, for
    development.
    """
    if len(url) > MAX_LENGTH:
        raise UrlError(f"has more than {MAX_LENGTH} characters")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise UrlError("holds characters that must be percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlError("is not a URL") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise UrlError("is not https")
    if "@" in parts.netloc:
        raise UrlError("holds credentials")
    if "#" in url:
        raise UrlError("holds a fragment")
    host = _host(parts, allow_private=allow_private)
    port = {"https": 443, "http": 80}[parts.scheme] if port is None else port
    if not (allow_private or port == 443 or port >= FIRST_FREE_PORT):
        raise UrlError(f"names port {port}; 443 and {FIRST_FREE_PORT}-65535 are open")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def _host(parts: SplitResult, *, allow_private: bool) -> str:
    host = parts.hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        if ":" in host or not (allow_private or _NAME.fullmatch(host)) or not host:
            raise UrlError("names no public host") from None
        if not allow_private and host.rpartition(".")[2] in _OURS:
            raise UrlError("names no public host") from None
        return host
    if not allow_private and (word := refusal(address)) is not None:
        raise UrlError(f"names a {word} address")
    return host
