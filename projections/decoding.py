"""Kafka records as they come into records to apply; schema ids of other versions are asked of the registry."""

from __future__ import annotations

from collections.abc import Sequence

import stamina
from aiokafka import ConsumerRecord

from infra.registry import learn_schema
from infra.settings import Settings
from projections.selection import Delivered
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError


class Decoder:
    """Decodes values of projected topics. An undecodable value is an answer, not an error."""

    def __init__(self, codec: Codec, settings: Settings) -> None:
        self._codec = codec
        self._settings = settings

    async def delivered(
        self, topic: str, offset: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> Delivered:
        """Decode one record. Waits while the registry, asked about an unknown schema id, is away."""
        try:
            record = await self._decode(topic, value)
        except ContractError as error:
            return Delivered(offset=offset, key=key, value=value, headers=headers, error=str(error))
        return Delivered(offset=offset, key=key, value=value, headers=headers, record=record)

    async def consumed(self, record: ConsumerRecord[bytes | None, bytes | None]) -> Delivered:
        """Decode a record of a plain consumer."""
        return await self.delivered(record.topic, record.offset, record.key, record.value, list(record.headers))

    async def _decode(self, topic: str, value: bytes | None) -> LedgerRecord:
        try:
            record = self._codec.decode(value, topic)
        except UnknownSchemaError as unknown:
            await self._learn(unknown)
            record = self._codec.decode(value, topic)
        if not isinstance(record, LedgerRecord):
            raise ContractError(f"{type(record).__name__} carries no stamp")
        return record

    async def _learn(self, unknown: UnknownSchemaError) -> None:
        async for attempt in stamina.retry_context(
            on=InfrastructureError, attempts=None, timeout=None, wait_initial=0.1, wait_max=2
        ):
            with attempt:
                await learn_schema(self._codec, self._settings, unknown)
