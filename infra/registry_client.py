"""The schema registry over HTTP, by Confluent's reference client. Imported late: the client costs half a second of a start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import httpx
import httpx2
import stamina
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.envelope import Record
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.serde import schema_text, subject_of

COMPATIBILITY = ConfigCompatibilityLevel.FULL_TRANSITIVE
_AT_ONCE = 6  # subjects; each registration waits for a record of the registry to come back from Kafka
AWAY = (OSError, httpx.TransportError, httpx2.TransportError)


def register(url: str, records: Iterable[type[Record]]) -> dict[str, int]:
    """Register schemas under FULL_TRANSITIVE (idempotent); record name → id. Blocks; bounded retries.

    Raises `InfrastructureError` when the registry is away, `ConfigurationError` when it refuses a schema.
    """
    named = list(records)
    ids = register_texts(url, [(subject_of(record), schema_text(record)) for record in named])
    return dict(zip((record.__name__ for record in named), ids, strict=True))


def register_texts(url: str, schemas: Sequence[tuple[str, str]]) -> list[int]:
    """The same for (subject, schema text): their ids in the same order. Subjects take up what is new in this order."""
    client = SchemaRegistryClient({"url": url, "timeout": 10})
    try:
        return _register(client, schemas)
    except SchemaRegistryError as error:
        if error.http_status_code in (409, 422):
            raise ConfigurationError(f"the registry refuses a schema as incompatible: {error}") from error
        raise InfrastructureError(f"schema registry at {url}: {error}") from error
    except AWAY as error:
        raise InfrastructureError(f"schema registry at {url} is away: {error}") from error


def schema_by_id(url: str, schema_id: int) -> str | None:
    """The schema stored under an id, None when there is none. Raises `InfrastructureError` when it is away."""
    client = SchemaRegistryClient({"url": url, "timeout": 5})
    try:
        return str(client.get_schema(schema_id).schema_str)
    except SchemaRegistryError as error:
        if error.http_status_code == httpx.codes.NOT_FOUND:
            return None
        raise InfrastructureError(f"schema registry at {url}: {error}") from error
    except AWAY as error:
        raise InfrastructureError(f"schema registry at {url} is away: {error}") from error


def _transient(error: Exception) -> bool:
    if isinstance(error, SchemaRegistryError):
        return int(error.http_status_code) >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, AWAY)


@stamina.retry(on=_transient, attempts=None, timeout=60, wait_max=0.5, wait_jitter=0.1)
def _register(client: SchemaRegistryClient, schemas: Sequence[tuple[str, str]]) -> list[int]:
    client.set_config(config=ServerConfig(compatibility=COMPATIBILITY))
    by_subject: defaultdict[str, list[int]] = defaultdict(list)
    for place, (subject, _) in enumerate(schemas):
        by_subject[subject].append(place)

    def take(places: Sequence[int]) -> dict[int, int]:
        return {
            place: int(client.register_schema(schemas[place][0], Schema(schemas[place][1], "AVRO"))) for place in places
        }

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ids = dict(chain.from_iterable(found.items() for found in pool.map(take, by_subject.values())))
    return [ids[place] for place in range(len(schemas))]
