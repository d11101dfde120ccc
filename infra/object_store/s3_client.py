"""The S3 client as the settings describe it."""

from __future__ import annotations

import re

import certifi
import urllib3
from minio import Minio

from infra.settings import Settings
from schemas.errors import ConfigurationError

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_CONNECT_S, _READ_S = 5.0, 60.0


def bucket_of(settings: Settings) -> str:
    """The bucket in `object_store`. Raises `ConfigurationError` if it is not "s3://BUCKET" with a valid name."""
    name = settings.object_store.removeprefix(SCHEME)
    if not settings.object_store.startswith(SCHEME) or not _BUCKET.fullmatch(name):
        raise ConfigurationError(
            f"object_store {settings.object_store!r}: must be s3://BUCKET, 3-63 characters of a-z 0-9 . -"
        )
    return name


def new_client(settings: Settings) -> Minio:
    """A client for `s3_endpoint` (HOST[:PORT], or a URL whose scheme then decides about TLS).

    The client itself repeats nothing: `s3_calls.call` does, with a bound.
    """
    for name in ("s3_endpoint", "s3_access_key", "s3_secret_key"):
        if not getattr(settings, name):
            raise ConfigurationError(f"{name}: must be set when object_store is {settings.object_store}")
    scheme, separator, host = settings.s3_endpoint.rpartition("://")
    if separator and scheme not in {"http", "https"}:
        raise ConfigurationError(f"s3_endpoint {settings.s3_endpoint!r}: must be HOST:PORT or an http(s) URL")
    pool = urllib3.PoolManager(
        maxsize=16,
        timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )
    try:
        return Minio(
            host.rstrip("/"),
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            secure=scheme == "https" if separator else settings.s3_secure,
            http_client=pool,
        )
    except ValueError as error:
        raise ConfigurationError(f"s3_endpoint {settings.s3_endpoint!r}: {error}") from error
