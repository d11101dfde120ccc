"""Where the processes of a side spend their time while it is under load."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.benchmarks.stacks import flame_graph, folded, summary
from tests.benchmarks.tools import py_spy

_CONNECTION = re.compile(r" 127\.0\.0\.1\(.*")  # of a PostgreSQL process: its client and what it is doing
RATE = 100  # samples a second
NATIVE = ("kafka", "postgres", "registry", "redis")  # no Python in them: CPU time by thread or process instead


@asynccontextmanager
async def profiled(processes: Mapping[str, int], folder: Path) -> AsyncIterator[None]:
    """Sample every Python process and its children meanwhile; then write NAME.svg for each and profile.md for all."""
    folder.mkdir(parents=True, exist_ok=True)
    before = {name: threads(pid) for name, pid in processes.items() if name in NATIVE}
    sampled = {name: pid for name, pid in processes.items() if name not in NATIVE}
    recorders = {name: await _record(pid, folder / f"{name}.folded") for name, pid in sampled.items()}
    try:
        yield
    finally:
        for recorder in recorders.values():
            if recorder.returncode is None:
                recorder.send_signal(signal.SIGINT)
        ended = await asyncio.gather(*(recorder.communicate() for recorder in recorders.values()))
    texts = ["Shares of the samples in which a thread was computing.\n"]
    for (name, _), (_, said) in zip(recorders.items(), ended, strict=True):
        path = folder / f"{name}.folded"
        if not path.exists():
            texts.append(f"### {name}\n\nnot recorded: {said.decode(errors='replace').strip()}\n")
            continue
        stacks = folded(path.read_text().splitlines())
        (folder / f"{name}.svg").write_text(flame_graph(stacks, name))
        texts.append(f"### {name}\n\n{summary(stacks)}\n")
    for name, times in before.items():
        spent = {thread: seconds - times.get(thread, 0.0) for thread, seconds in threads(processes[name]).items()}
        texts.append(f"### {name}\n\n{_by_thread(spent)}\n")
    (folder / "profile.md").write_text("\n".join(texts))


def threads(pid: int) -> dict[str, float]:
    """CPU seconds by name of thread, of the process and its children; names as the kernel keeps them (15 letters)."""
    spent: dict[str, float] = defaultdict(float)
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        for thread in process.threads():
            path = Path(f"/proc/{process.pid}/task/{thread.id}/comm")
            try:
                name = path.read_text().strip()
            except FileNotFoundError:
                continue
            label = name if process is root else _CONNECTION.sub("", " ".join(process.cmdline()[:1]))[:60]
            spent[label.rstrip("0123456789-#")] += thread.user_time + thread.system_time
    return spent


def _by_thread(spent: Mapping[str, float]) -> str:
    spent = {
        name: seconds for name, seconds in spent.items() if seconds > 0
    }  # threads that ended have taken theirs along
    total = sum(spent.values()) or 1.0
    most = sorted(spent.items(), key=lambda item: -item[1])[:12]
    rows = ["| share | thread |", "|---|---|"]
    rows += [f"| {100 * seconds / total:.1f} % | `{name}` |" for name, seconds in most if seconds >= 0.005 * total]
    return "\n".join(rows)


async def _record(pid: int, path: Path) -> asyncio.subprocess.Process:
    options = ("--rate", str(RATE), "--format", "raw", "--subprocesses", "--duration", "unlimited")
    return await asyncio.create_subprocess_exec(
        *(str(py_spy()), "record", "--pid", str(pid), *options, "--output", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
