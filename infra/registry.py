"""Schema ids: registered under FULL_TRANSITIVE once, cached on disk, so that later starts do not wait for the registry."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import tempfile
from pathlib import Path

from infra.local.locks import try_exclusive
from infra.settings import Settings
from schemas.serde import Codec, UnknownSchemaError, fingerprint
from schemas.topics import TOPIC_OF

log = logging.getLogger(__name__)
CACHE_NAME = "schema-ids.json"
_PAUSE = 0.05  # seconds between two looks whether another process has registered


def cache_path(settings: Settings) -> Path:
    """Where the ids of this stack's registry are cached."""
    return settings.data_dir / CACHE_NAME


async def load_codec(settings: Settings) -> Codec:
    """The codec of this stack: ids from the disk cache when it knows every schema as it is now, else registered.

    Of processes that start at once, one registers and the others wait for its cache. Raises `InfrastructureError` when the
    registry is away, `ConfigurationError` when it refuses a schema.
    """
    while (codec := cached_codec(settings)) is None:
        lock = try_exclusive(cache_path(settings).with_suffix(".lock"))
        if lock is None:
            await asyncio.sleep(_PAUSE)
            continue
        with lock:
            return cached_codec(settings) or Codec(await asyncio.to_thread(register_all, settings))
    return codec


def cached_codec(settings: Settings) -> Codec | None:
    """The codec if the disk cache knows every schema as it is now; the registry is not asked."""
    cached = _read_cache(cache_path(settings))
    return None if cached is None else Codec(cached)


def register_all(settings: Settings) -> dict[str, int]:
    """Register every schema (idempotent), write the cache, return record name → id. Blocks."""
    from infra.registry_client import COMPATIBILITY, register

    ids = register(settings.registry_url, TOPIC_OF)
    _write_cache(cache_path(settings), ids)
    log.info("registered %d schemas under %s", len(ids), COMPATIBILITY.value)
    return ids


async def learn_schema(codec: Codec, settings: Settings, error: UnknownSchemaError) -> None:
    """Ask the registry for a schema id another version of the software wrote and teach it to the codec."""
    await asyncio.to_thread(learn_schema_blocking, codec, settings, error)


def learn_schema_blocking(codec: Codec, settings: Settings, error: UnknownSchemaError) -> None:
    """The same for callers without an event loop. Raises the error itself when the registry does not know the id."""
    from infra.registry_client import schema_by_id

    schema = schema_by_id(settings.registry_url, error.schema_id)
    if schema is None:
        raise error
    codec.learn(error.schema_id, schema)


def _read_cache(path: Path) -> dict[str, int] | None:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        ids = {name: int(entry["id"]) for name, entry in entries.items()}
        known = {name: str(entry["fingerprint"]) for name, entry in entries.items()}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("the schema id cache %s is unreadable and is made anew", path)
        return None
    wanted = {record.__name__: fingerprint(record).hex() for record in TOPIC_OF}
    return ids if known == wanted else None


def _write_cache(path: Path, ids: dict[str, int]) -> None:
    entries = {r.__name__: {"id": ids[r.__name__], "fingerprint": fingerprint(r).hex()} for r in TOPIC_OF}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(entries, out, indent=1)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
