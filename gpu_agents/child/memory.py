"""Peak memory of one render, from the kernel's high-water mark (proc_pid_status(5) VmHWM, reset by clear_refs)."""

from __future__ import annotations

import re
from pathlib import Path

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_RESET_PEAK = "5"


def reset_peak() -> None:
    """Start a new high-water mark."""
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK)


def peak_bytes() -> int:
    """Largest resident memory of this process since `reset_peak`, in bytes."""
    found = _PEAK.search(Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0
