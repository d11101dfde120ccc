"""Object storage: one port, two adapters (a local folder, S3)."""

from __future__ import annotations

from infra.object_store.factory import create_object_store
from infra.object_store.keys import check_key
from infra.object_store.local import LocalObjectStore
from infra.object_store.port import NewObject, ObjectStore, StoredObject
from infra.object_store.s3 import S3ObjectStore
from infra.object_store.urls import content_disposition
from infra.object_store.watched import WatchedObjectStore

__all__ = [
    "LocalObjectStore",
    "NewObject",
    "ObjectStore",
    "S3ObjectStore",
    "StoredObject",
    "WatchedObjectStore",
    "check_key",
    "content_disposition",
    "create_object_store",
]
