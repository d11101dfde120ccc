"""The process that signs: reads what follows the last checkpoint and writes the next one.

One transactional id a shard: when two of them run, the later fences the earlier, so numbers are never given twice.
"""

from __future__ import annotations

from datetime import UTC, datetime

from aiokafka.errors import KafkaError

from infra.audit.events import ONLY, Findings, Place, Shard
from infra.audit.keys import signing_key
from infra.audit.notes import SOURCE, Keys, key_id
from infra.audit.reading import ledger, read_checkpoints
from infra.audit.sealing import Sealer
from infra.audit.seals import read_signed
from infra.kafka import create_producer
from infra.registry import learn_schema_blocking, load_codec
from infra.settings import Settings
from schemas.checkpoints import CheckpointSigned
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import CHECKPOINTS

TRANSACTIONAL_ID = "auditor-{shard}"


async def write_checkpoint(settings: Settings, older: Keys, shard: Shard = ONLY) -> CheckpointSigned | None:
    """Sign and publish what is new on a shard's ledger; None when nothing is. `older` are keys that signed before this host's.

    Raises `ContractError` when ledger or checkpoints are not in order: nothing is signed then. `InfrastructureError` when
    Kafka is away or another process signs at the same time.
    """
    codec, key = await load_codec(settings), signing_key(settings)
    keys = {**older, key_id(key.public_key()): key.public_key()}
    producer = create_producer(
        settings.kafka, TRANSACTIONAL_ID.format(shard=shard.number), transaction_timeout_ms=15_000
    )
    try:
        await producer.start()
        last = await last_checkpoint(settings, codec, keys, shard.number)
        sealer = await followed(settings, codec, last, shard)
        checkpoint = sealer.seal(key, datetime.now(UTC))
        if checkpoint is not None:
            headers = codec.headers(checkpoint, SOURCE)
            async with producer.transaction():
                await producer.send_and_wait(
                    CHECKPOINTS.name,
                    codec.encode(checkpoint),
                    key=str(shard.number).encode(),
                    partition=shard.number,
                    headers=headers,
                )
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    finally:
        await producer.stop()
    return checkpoint


async def last_checkpoint(settings: Settings, codec: Codec, keys: Keys, shard: int) -> CheckpointSigned | None:
    """The newest checkpoint, None if there is none. Raises `ContractError` if one cannot be believed."""
    found = Findings()
    signed = read_signed(await read_checkpoints(settings, shard), codec, keys, found, shard)
    if found.kept:
        raise ContractError(f"nothing is signed after a wrong checkpoint: {found.kept[0]}")
    return signed[-1][1] if signed else None


async def followed(settings: Settings, codec: Codec, last: CheckpointSigned | None, shard: Shard) -> Sealer:
    """What follows a checkpoint, read to the end.

    When that is not in order, everything is read: offsets differ on a cluster that was restored from elsewhere.
    """
    sealer = await _read(settings, codec, last, shard, whole=last is None)
    if last is None or not sealer.found.kept:
        return sealer
    return await _read(settings, codec, last, shard, whole=True)


async def _read(
    settings: Settings, codec: Codec, last: CheckpointSigned | None, shard: Shard, *, whole: bool
) -> Sealer:
    def learn(unknown: UnknownSchemaError) -> None:
        learn_schema_blocking(codec, settings, unknown)

    heads = [] if last is None or whole else last.partitions
    starts: dict[Place, int] = {(head.topic, head.partition): head.offset for head in heads}
    async with ledger(settings, starts, shard=shard.number) as reader:
        sealer = Sealer(codec, reader.bounds, last, learn, whole=whole, shard=shard)
        for place, offset in starts.items():
            if offset > reader.bounds[place].end:
                sealer.found.at(place, offset, "tail", f"it ends at {reader.bounds[place].end}")
        await reader.feed(sealer)
    return sealer
