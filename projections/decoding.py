"""Kafka records as they come into records to apply; schema ids of other versions are asked of the registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from infra.registry import learn_schema
from infra.retrying import is_away, until_done
from infra.settings import Settings
from projections.selection import Delivered, Headers
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import Codec, UnknownSchemaError


class Arrived(Protocol):
    """A record as a plain consumer or Faust hands it over."""

    @property
    def topic(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers | None: ...


class Decoder:
    """Decodes values of projected topics. An undecodable value is an answer, not an error."""

    def __init__(self, codec: Codec, settings: Settings) -> None:
        self._codec = codec
        self._settings = settings

    async def delivered(self, arrived: Iterable[Arrived]) -> list[Delivered]:
        """Decode records of one consumer, in order. Waits while the registry, asked about an unknown schema id, is away."""
        made = []
        for record in arrived:
            try:
                decoded = self._at_once(record)
            except UnknownSchemaError as unknown:
                decoded = await self._having_asked(record, unknown)
            made.append(decoded)
        return made

    def _at_once(self, arrived: Arrived) -> Delivered:
        """Raises `UnknownSchemaError` where the registry has to be asked first."""
        value = arrived.value
        try:
            record = self._codec.decode(value, arrived.topic)
        except UnknownSchemaError:
            raise
        except ContractError as error:
            return _set_aside(arrived, str(error))
        if not isinstance(record, LedgerRecord):
            return _set_aside(arrived, f"{type(record).__name__} carries no stamp")
        return Delivered(
            offset=arrived.offset, key=arrived.key, value=value, headers=arrived.headers or (), record=record
        )

    async def _having_asked(self, arrived: Arrived, unknown: UnknownSchemaError) -> Delivered:
        try:
            await self._learn(unknown)
            return self._at_once(arrived)
        except ContractError as error:
            return _set_aside(arrived, str(error))

    async def _learn(self, unknown: UnknownSchemaError) -> None:
        await until_done(lambda: learn_schema(self._codec, self._settings, unknown), is_away, wait_max=2.0)


def _set_aside(arrived: Arrived, error: str) -> Delivered:
    return Delivered(
        offset=arrived.offset, key=arrived.key, value=arrived.value, headers=arrived.headers or (), error=error
    )
