"""Schema ids: registered under FULL_TRANSITIVE once, cached on disk, so that later starts do not wait for the registry."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import tempfile
from pathlib import Path

import stamina
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from infra.settings import Settings
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError, fingerprint, schema_text, subject_of
from schemas.topics import TOPIC_OF

log = logging.getLogger(__name__)
COMPATIBILITY = ConfigCompatibilityLevel.FULL_TRANSITIVE
CACHE_NAME = "schema-ids.json"


def cache_path(settings: Settings) -> Path:
    """Where the ids of this stack's registry are cached."""
    return settings.data_dir / CACHE_NAME


async def load_codec(settings: Settings) -> Codec:
    """The codec of this stack: ids from the disk cache when it knows every schema as it is now, else registered.

    Raises `InfrastructureError` when the registry is away, `ConfigurationError` when it refuses a schema.
    """
    cached = _read_cache(cache_path(settings))
    if cached is not None:
        return Codec(cached)
    return Codec(await asyncio.to_thread(register_all, settings))


def register_all(settings: Settings) -> dict[str, int]:
    """Register every schema (idempotent), write the cache, return record name → id. Blocks; bounded retries."""
    client = SchemaRegistryClient({"url": settings.registry_url, "timeout": 10})
    try:
        ids = _register(client)
    except SchemaRegistryError as error:
        if error.http_status_code in (409, 422):
            raise ConfigurationError(f"the registry refuses a schema as incompatible: {error}") from error
        raise InfrastructureError(f"schema registry at {settings.registry_url}: {error}") from error
    except OSError as error:
        raise InfrastructureError(f"schema registry at {settings.registry_url} is away: {error}") from error
    _write_cache(cache_path(settings), ids)
    log.info("registered %d schemas under %s", len(ids), COMPATIBILITY.value)
    return ids


def _transient(error: Exception) -> bool:
    if isinstance(error, SchemaRegistryError):
        return int(error.http_status_code) >= 500
    return isinstance(error, OSError)


@stamina.retry(on=_transient, attempts=8, timeout=60)
def _register(client: SchemaRegistryClient) -> dict[str, int]:
    client.set_config(config=ServerConfig(compatibility=COMPATIBILITY))
    return {
        record.__name__: int(client.register_schema(subject_of(record), Schema(schema_text(record), "AVRO")))
        for record in TOPIC_OF
    }


async def learn_schema(codec: Codec, settings: Settings, error: UnknownSchemaError) -> None:
    """Ask the registry for a schema id another version of the software wrote and teach it to the codec."""
    await asyncio.to_thread(learn_schema_blocking, codec, settings, error)


def learn_schema_blocking(codec: Codec, settings: Settings, error: UnknownSchemaError) -> None:
    """The same for callers without an event loop. Raises the error itself when the registry does not know the id."""
    client = SchemaRegistryClient({"url": settings.registry_url, "timeout": 5})
    try:
        found = client.get_schema(error.schema_id)
    except SchemaRegistryError as failure:
        if failure.http_status_code == 404:
            raise error from failure
        raise InfrastructureError(f"schema registry at {settings.registry_url}: {failure}") from failure
    except OSError as failure:
        raise InfrastructureError(f"schema registry at {settings.registry_url} is away: {failure}") from failure
    codec.learn(error.schema_id, str(found.schema_str))


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
