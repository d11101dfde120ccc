"""How fast the read models are derived from the log: `python -m tests.benchmarks.rebuild [EVENTS]`.

Starts a stack of its own, writes the history of as many pictures, and prints events a second by the clock and by the CPU time
of this process, which does not depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import uuid
from pathlib import Path

from infra.kafka import create_producer
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from projections.bulk.rebuild import rebuild_beside
from projections.migrate import migrate
from projections.postgres import create_pool
from projections.rebuild import rebuild
from schemas.topics import TOPIC_OF, TOPICS
from tests.unit.projections.ledger import Ledger

ACCOUNTS = 50
TRANSACTION = 200  # pictures


async def write(settings: Settings, events: int) -> float:
    """Pictures, the events of one after those of the other, in transactions of 200; returns the mean size of a value, bytes."""
    size = 0
    codec, ledger = await load_codec(settings), Ledger()
    producer = create_producer(settings.kafka, "benchmark")
    await producer.start()
    try:
        for number in range(max(1, events // (TRANSACTION * 7))):
            images = [ledger.image(str(uuid.uuid4()), f"account-{n % ACCOUNTS}") for n in range(TRANSACTION)]
            async with producer.transaction():
                for event in (event for image in images for event in image):
                    topic, key = TOPIC_OF[type(event)].name, event.envelope.aggregate_id.encode()
                    headers = codec.headers(event, "benchmark")
                    value = codec.encode(event)
                    size += len(value)
                    await producer.send(topic, value, key=key, partition=0, headers=headers)
            if number % 100 == 99:
                print(f"{ledger.shard_seq:,} events written", flush=True)
        return size / ledger.shard_seq
    finally:
        await producer.stop()


async def main(events: int) -> None:
    """Write, then derive twice: by the live path and in bulk."""
    with tempfile.TemporaryDirectory(prefix="storyreel-bench-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            await write(stack.settings, events)
            pool = await create_pool(stack.settings.database_url, writes=True)
            await migrate(pool)
            await pool.close()
            for name in ("live path", "bulk"):
                cpu, start = time.process_time(), time.monotonic()
                if name == "bulk":
                    done = await rebuild_beside(stack.settings, lambda *_: None)
                    print(
                        f"{done.records:,} events into {done.rows:,} rows, of {done.total_s:.1f} s {done.fold_s:.1f} folding"
                    )
                else:
                    await rebuild(stack.settings, None, lambda *_: None)
                took, used = time.monotonic() - start, time.process_time() - cpu
                print(f"{name}: {events / took:,.0f} events/s, {events / used:,.0f} a second of CPU time")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
