"""Records as the agent reads them, also those of a newer version of the software."""

from __future__ import annotations

import stamina
from aiokafka import ConsumerRecord

from infra.registry import learn_schema
from infra.settings import Settings
from schemas.envelope import Record
from schemas.errors import InfrastructureError
from schemas.serde import Codec, UnknownSchemaError


class Decoder:
    """Asks the registry for schemas this process has not met."""

    def __init__(self, codec: Codec, settings: Settings) -> None:
        self._codec = codec
        self._settings = settings

    async def decode(self, message: ConsumerRecord) -> Record:
        """The record. Raises `ContractError` when it is none; waits while the registry is away and needed."""
        try:
            return self._codec.decode(message.value, message.topic)
        except UnknownSchemaError as error:
            async for attempt in stamina.retry_context(InfrastructureError, attempts=None, timeout=None):
                with attempt:
                    await learn_schema(self._codec, self._settings, error)
            return self._codec.decode(message.value, message.topic)
