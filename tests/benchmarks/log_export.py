"""Rate and memory of exports and of a restore: `python -m tests.benchmarks.log_export --records 300000`.

Writes task events in transactions of a hundred to a stack of its own, exports them in every format by the command line in a
process of its own (its peak resident memory is shown), and restores the archive into another stack.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from infra.kafka import create_producer
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.topics import TASKS, TOPICS
from tests.unit.projections.ledger import Ledger

TRANSACTION = 100
_CHILD = (
    "import resource, sys; from infra.cli import main\n"
    "try:\n    main(sys.argv[1:])\n"
    "finally:\n    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    print('used', used.ru_maxrss // 1024, round(used.ru_utime + used.ru_stime, 1), file=sys.stderr)\n"
)


async def fill(settings: Settings, count: int) -> None:
    """Task events with fields of true sizes, several to a task."""
    codec, ledger = await load_codec(settings), Ledger()
    producer = create_producer(settings.kafka, "benchmark", max_batch_size=262_144)
    await producer.start()
    written = 0
    while written < count:
        events: list[LedgerRecord] = []
        while len(events) < TRANSACTION:
            task = f"0198c0de-0000-7000-8000-{len(events) + written:012}"
            events += [event for event in ledger.image(task, sealed=bytes(300)) if type(event) in TASKS.records]
        async with producer.transaction():
            for event in events:
                key, headers = event.envelope.aggregate_id.encode(), codec.headers(event, "benchmark")
                await producer.send(TASKS.name, codec.encode(event), key=key, partition=0, headers=headers)
        written += len(events)
    await producer.stop()


def command(settings: Settings, *words: str) -> None:
    """Run `storyreel log …`; print its own line, the times it took and the peak of its memory."""
    environment = os.environ | settings.to_env()
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", _CHILD, "log", *words, "--data", "/nonexistent"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    seconds = time.monotonic() - started
    records = int(ran.stdout.split()[0].replace(",", ""))
    peak, cpu = re.findall(r"^used (\d+) ([\d.]+)", ran.stderr, re.MULTILINE)[-1]
    what = f"{words[0]} {words[-1]}" if words[0] == "export" else words[0]
    rate = f"{seconds:.1f} s of which {cpu} s of a processor, {records / seconds:,.0f}/s, peak {peak} MiB"
    print(f"{what:15} {ran.stdout.strip()}: {rate}", flush=True)


async def run(count: int, formats: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="storyreel-export-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        base = Settings(device_slots=4)
        async with LocalStack(folder / "source", options=StackOptions(topics=TOPICS, base=base)) as stack:
            await fill(stack.settings, count)
            for name in formats:
                settings = replace(stack.settings, data_dir=folder / "ids")
                await asyncio.to_thread(command, settings, "export", "--out", str(folder / name), "--format", name)
        if "avro" not in formats:
            return
        async with LocalStack(folder / "target", options=StackOptions(base=base)) as stack:
            settings = replace(stack.settings, data_dir=folder / "new")
            await asyncio.to_thread(command, settings, "restore", "--from", str(folder / "avro"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--formats", nargs="+", default=["parquet", "jsonl", "avro"])
    chosen = parser.parse_args()
    asyncio.run(run(chosen.records, chosen.formats))


if __name__ == "__main__":
    main()
