"""Where partitions stand before anything new comes: the sequence of the last record of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from infra.kafka import assigned
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import Codec

FIRST_LOOK = 16  # offsets; a longer look back only where those hold markers, aborted records and poison
WIDER = 16


async def last_sequences(bootstrap: str, codec: Codec, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """For each partition the highest `partition_seq` committed before its end; 0 for one without records.

    Records of a schema this process does not know are passed over. Raises `KafkaError` when the broker is away.
    """
    async with assigned(bootstrap, dict.fromkeys(ends)) as consumer:
        begins = await consumer.beginning_offsets(list(ends))
        return {tp: await _last(consumer, codec, tp, int(begins[tp]), end) for tp, end in ends.items()}


async def _last(consumer: AIOKafkaConsumer, codec: Codec, tp: TopicPartition, begin: int, end: int) -> int:
    width, upper = FIRST_LOOK, end
    while upper > begin:
        lower = max(begin, upper - width)
        if found := await _highest(consumer, codec, tp, lower, upper):
            return found
        width, upper = width * WIDER, lower
    return 0


async def _highest(consumer: AIOKafkaConsumer, codec: Codec, tp: TopicPartition, lower: int, upper: int) -> int:
    consumer.seek(tp, lower)
    highest = 0
    while await consumer.position(tp) < upper:
        for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, []):
            if record.offset < upper:
                highest = max(highest, _sequence(codec, record))
    return highest


def _sequence(codec: Codec, record: ConsumerRecord[Any, Any]) -> int:
    try:
        decoded = codec.decode(record.value, record.topic)
    except ContractError:
        return 0
    return decoded.stamp.partition_seq if isinstance(decoded, LedgerRecord) else 0
