"""Bytes of any topic to records, asking the registry for schema versions that were not met before."""

from __future__ import annotations

from infra.registry import learn_schema
from infra.settings import Settings
from schemas.envelope import Record
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError


async def decode(codec: Codec, settings: Settings, value: bytes | None, topic: str) -> Record:
    """The record. Raises `ContractError` when nobody can read it, `InfrastructureError` when the registry is away."""
    try:
        return codec.decode(value, topic)
    except UnknownSchemaError as unknown:
        await _learn(codec, settings, unknown)
        return codec.decode(value, topic)


async def _learn(codec: Codec, settings: Settings, unknown: UnknownSchemaError) -> None:
    try:
        await learn_schema(codec, settings, unknown)
    except (ContractError, InfrastructureError):
        raise
    except ValueError as error:  # the registry answered with text that is no Avro schema
        raise ContractError(f"schema id {unknown.schema_id} is no schema of ours: {error}") from error
    except Exception as error:
        raise InfrastructureError(f"schema id {unknown.schema_id} could not be asked for: {error!r}") from error
