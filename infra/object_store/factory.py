"""Which store the settings ask for."""

from __future__ import annotations

import os

from infra.object_store.faults import FOLDER, FaultyLocalStore
from infra.object_store.local import LocalObjectStore
from infra.object_store.port import ObjectStore
from infra.object_store.s3 import S3ObjectStore
from infra.object_store.s3_client import SCHEME
from infra.settings import Settings
from schemas.errors import ConfigurationError


def create_object_store(settings: Settings, signing_key: bytes) -> ObjectStore:
    """The local store for "local", S3 for "s3://BUCKET"; `ConfigurationError` for anything else.

    `signing_key` (32 bytes or more) signs the URLs of the local store; S3 signs with its own credentials.
    """
    if settings.object_store == "local":
        kind = FaultyLocalStore if FOLDER in os.environ else LocalObjectStore
        return kind(settings.data_dir / "objects", settings.base_url, signing_key)
    if settings.object_store.startswith(SCHEME):
        return S3ObjectStore(settings)
    raise ConfigurationError(f"object_store {settings.object_store!r}: must be local or s3://BUCKET")
