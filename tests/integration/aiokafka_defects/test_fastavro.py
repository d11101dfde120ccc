"""What hostile Avro does to fastavro. A test that fails means: upstream changed, look at the decision again."""

from __future__ import annotations

import signal
import subprocess
import sys

PRELUDE = """
import io, resource, fastavro
resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
"""
EMPTY_ITEMS = """
schema = fastavro.parse_schema({"type": "array", "items": "null"})
try:
    fastavro.schemaless_reader(io.BytesIO(bytes([0x80, 0xa8, 0xd6, 0xb9, 0x07, 0x00])), schema)
except MemoryError:
    print("out of memory")
"""
RECURSION = """
schema = fastavro.parse_schema({"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]})
fastavro.schemaless_reader(io.BytesIO(bytes([2]) * 500_000 + bytes([0])), schema)
"""


def decoding(program: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with 256 MiB of address space."""
    command = [sys.executable, "-c", PRELUDE + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_six_bytes_fill_the_memory() -> None:
    """Guards "no array of null or empty records" in our schemas: a count costs nothing there and fills the memory."""
    assert decoding(EMPTY_ITEMS).stdout == "out of memory\n"


def test_a_recursive_schema_kills_the_process() -> None:
    """Guards "no recursive schema": nesting in the bytes is nesting on the stack, and no exception comes of it."""
    assert decoding(RECURSION).returncode == -signal.SIGSEGV
