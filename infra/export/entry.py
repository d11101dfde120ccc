"""One record of the log as Kafka holds it, and what its value is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Self

from msgspec import Struct

from infra.registry import learn_schema_blocking
from infra.registry_client import schema_by_id
from infra.settings import Settings
from schemas.derive import NAMESPACE
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.serde import HEADER, MAGIC, Codec, UnknownSchemaError
from schemas.topics import TOPIC_OF

_NAMES = {name for record in TOPIC_OF for name in (record.__name__, f"{NAMESPACE}.{record.__name__}")}
Headers = tuple[tuple[str, bytes | None], ...]


class Entry(Struct, frozen=True, kw_only=True):
    """A record with its place; `timestamp` in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()

    @classmethod
    def of(cls, message: Any) -> Self:
        """What aiokafka's consumer gave."""
        return cls(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            key=message.key,
            value=message.value,
            headers=tuple(message.headers),
        )

    @property
    def date(self) -> str:
        """The day of its timestamp in UTC, "2026-11-24"."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC).date().isoformat()

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


class Decoder:
    """Values to records; schema versions that were not met before are asked of the registry, once."""

    def __init__(self, codec: Codec, settings: Settings) -> None:
        self._codec = codec
        self._settings = settings
        self._strangers: set[int] = set()
        self._texts: dict[int, str] = {}

    def decode(self, entry: Entry) -> Record:
        """The record. Raises `ContractError` for bytes that are none, `InfrastructureError` when the registry is away."""
        try:
            return self._codec.decode(entry.value, entry.topic)
        except UnknownSchemaError as error:
            if error.schema_id in self._strangers:
                raise
            try:
                learn_schema_blocking(self._codec, self._settings, error)
            except ContractError:
                self._strangers.add(error.schema_id)
                raise
            return self._codec.decode(entry.value, entry.topic)

    def schema_of(self, schema_id: int) -> str:
        """The text that the registry stores under an id. Raises `ContractError` when it does not know the id."""
        if schema_id not in self._texts:
            text = schema_by_id(self._settings.registry_url, schema_id)
            if text is None:
                raise UnknownSchemaError(schema_id)
            self._texts[schema_id] = text
        return self._texts[schema_id]

    def own_schema(self, schema_id: int) -> str | None:
        """The text under an id if it is the schema of a record of ours, else None."""
        if schema_id not in self._strangers:
            try:
                text = self.schema_of(schema_id)
            except UnknownSchemaError:
                self._strangers.add(schema_id)
            else:
                parsed = json.loads(text)
                return text if isinstance(parsed, dict) and parsed.get("name") in _NAMES else None
        return None


def schema_id_of(value: bytes | None) -> int | None:
    """The schema id in Confluent's framing, None if there is no such framing."""
    if value is None or len(value) < HEADER.size or value[0] != MAGIC:
        return None
    return int(HEADER.unpack_from(value)[1])
