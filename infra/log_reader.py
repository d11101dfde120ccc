"""Reading topics for people: committed records as plain dictionaries, one per record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import committed_end, create_consumer, stop_consumer
from infra.kafka_admin import partitions_of
from schemas.errors import ContractError, InfrastructureError

Decode = Callable[[bytes, Sequence[tuple[str, bytes]]], Mapping[str, Any]]
"""Value bytes and headers of a record to its fields; raises `ContractError` for what it cannot read."""

_POLL_MS = 200
PUBLIC = frozenset({"prev_hash", "head_hash", "root", "kept_root", "previous", "signature"})  # bytes that hide nothing


async def read_records(
    bootstrap: str,
    topics: Sequence[str],
    decode: Decode,
    *,
    from_beginning: bool = False,
    limit: int | None = None,
    follow: bool = False,
) -> AsyncIterator[dict[str, Any]]:
    """Committed records of `topics` as dictionaries that JSON can hold.

    From the beginning, in the order they arrive and at most `limit`; otherwise the newest `limit` (20 if None) by time.
    With `follow` new records come after those, without end unless `limit` and `from_beginning` end it.
    Raises `ConfigurationError` for an unknown topic, `InfrastructureError` if Kafka is away.
    """
    partitions = await partitions_of(bootstrap, topics)
    if from_beginning and limit == 0:
        return
    consumer: Any = create_consumer(bootstrap)
    try:
        await consumer.start()
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions)
        ends = await committed_end(consumer, partitions)
        if from_beginning:
            _seek(consumer, begins)
            left = limit
            async for record in _until(consumer, None if follow else ends):
                yield render(record, decode)
                if left is not None and (left := left - 1) <= 0:
                    return
            return
        newest = limit if limit is not None else 20
        _seek(consumer, {tp: max(begins[tp], ends[tp] - 2 * newest) for tp in partitions})
        recent = [record async for record in _until(consumer, ends)]
        for record in sorted(recent, key=lambda r: (r.timestamp, r.topic, r.offset))[-newest:] if newest else []:
            yield render(record, decode)
        if follow:
            async for record in _until(consumer, None):
                yield render(record, decode)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        await stop_consumer(consumer)


def render(record: Any, decode: Decode) -> dict[str, Any]:
    """One consumed record as a dictionary: where it lies, its type and time, key and value."""
    headers = dict(record.headers)
    kind = headers.get("ce_type", b"").decode("utf-8", "replace")
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "type": kind.rpartition(".")[2] or None,
        "time": datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds"),
        "key": record.key.decode("utf-8", "replace") if record.key is not None else None,
        "value": _value(record, decode),
    }


def _value(record: Any, decode: Decode) -> Any:
    if record.value is None:
        return None
    try:
        return plain(decode(record.value, record.headers))
    except ContractError as error:
        return {"undecodable": str(error), "bytes": len(record.value)}


def plain(value: Any) -> Any:
    """Decoded fields as JSON types; bytes are ciphertext and show only their length, but for hashes and signatures."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<sealed {len(value)} bytes>"
    if isinstance(value, Mapping):
        return {str(key): _digest(item) if key in PUBLIC else plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _digest(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _seek(consumer: Any, positions: Mapping[TopicPartition, int]) -> None:
    for partition, offset in positions.items():
        consumer.seek(partition, offset)


async def _until(consumer: Any, ends: Mapping[TopicPartition, int] | None) -> AsyncIterator[Any]:
    """Records up to `ends` (exclusive), for ever if None. Control records count as read: positions decide the end."""
    while True:
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        for partition, records in batches.items():
            for record in records:
                if ends is None or record.offset < ends[partition]:
                    yield record
        if ends is not None and not batches and await _reached(consumer, ends):
            return


async def _reached(consumer: Any, ends: Mapping[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True
