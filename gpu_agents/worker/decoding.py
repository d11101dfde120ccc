"""Records as the agent reads them, also those of a newer version of the software."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from infra.registry import learn_schema
from infra.retrying import is_away, until_done
from infra.settings import Settings
from schemas.envelope import Record
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
            unknown = error
            await until_done(lambda: learn_schema(self._codec, self._settings, unknown), is_away)
            return self._codec.decode(message.value, message.topic)
