"""Stacks of sampled calls: what costs most, as text and as a flame graph. No IO.

A folded stack is a line of a profiler: frames from the outermost to the innermost with ";" between them, a blank, a count.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

Stacks = Mapping[tuple[str, ...], int]
_WIDTH, _ROW = 1200.0, 15
_SMALLEST = 2.0  # pixels of a box that is drawn
WAITS = frozenset(  # what a thread stands in that has nothing to do
    {
        "_worker (concurrent/futures/thread.py)",
        "EpollSelector.select (selectors.py)",
        "Runner.run (uvloop/__init__.py)",
        "ThreadedChildWatcher._do_waitpid (asyncio/unix_events.py)",
        "_exactly (gpu_agents/child/protocol.py)",
        "_watch (gpu_agents/child/guard.py)",
        "Condition.wait (threading.py)",
        "locked (infra/object_store/folder.py)",
    }
)
PLUMBING = re.compile(
    r"^<module>|\((<frozen|asyncio/|threading\.py|concurrent/|uvloop/|uvicorn/|mode/)|__main__\.py\)$"
)
_PATH = re.compile(r"\((?:.*/)?(?:site-packages|lib/python3\.\d+)/")


def folded(lines: Iterable[str]) -> Counter[tuple[str, ...]]:
    """Counts by stack, without those that only wait (`WAITS`)."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        frames, _, count = line.strip().rpartition(" ")
        path = tuple(_frame(frame) for frame in frames.split(";") if not frame.startswith(("process ", "thread (")))
        if path and path[-1] not in WAITS:
            stacks[path] += int(count)
    return stacks


def _frame(text: str) -> str:
    """`function (package/file.py:12)` without line and without the path of the installation."""
    return re.sub(r":\d+\)$", ")", _PATH.sub("(", text))


def shares(stacks: Stacks) -> tuple[dict[str, float], dict[str, float]]:
    """Percent of all samples by function: in itself, and in itself and what it calls."""
    total = sum(stacks.values()) or 1
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for frames, count in stacks.items():
        own[frames[-1]] += count
        within.update(dict.fromkeys(frames, count))
    return ({name: 100 * n / total for name, n in own.items()}, {name: 100 * n / total for name, n in within.items()})


def summary(stacks: Stacks, most: int = 12) -> str:
    """Two lists of the functions that cost most, in Markdown; what merely calls everything is left out of the second."""
    own, within = shares(stacks)
    within = {name: share for name, share in within.items() if not PLUMBING.search(name)}
    rows = ["| itself | function | with calls | function |", "|---|---|---|---|"]
    for mine, whole in zip(_top(own, most), _top(within, most), strict=False):
        rows.append(f"| {mine[1]:.1f} % | `{mine[0]}` | {whole[1]:.1f} % | `{whole[0]}` |")
    return "\n".join(rows)


def _top(parts: Mapping[str, float], most: int) -> Sequence[tuple[str, float]]:
    return sorted(parts.items(), key=lambda part: -part[1])[:most]


class _Node(Struct):
    count: int = 0
    below: dict[str, _Node] = {}


def flame_graph(stacks: Stacks, title: str) -> str:
    """An SVG, the outermost call at the bottom; boxes narrower than two pixels are left out, which keeps it small."""
    root = _Node()
    for frames, count in stacks.items():
        node = root
        node.count += count
        for frame in frames:
            node = node.below.setdefault(frame, _Node())
            node.count += count
    boxes: list[tuple[int, float, float, str]] = []
    _place(root, 0, 0.0, _WIDTH / max(1, root.count), boxes)
    height = _ROW * (max((depth for depth, *_ in boxes), default=0) + 3)
    shapes = "".join(_box(*box, height=height) for box in boxes)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height}" font-family="monospace" font-size="10">'
    return f'{head}<text x="4" y="11">{html.escape(title)}: {root.count} samples</text>{shapes}</svg>\n'


def _place(node: _Node, depth: int, left: float, scale: float, boxes: list[tuple[int, float, float, str]]) -> None:
    for name, child in sorted(node.below.items()):
        width = child.count * scale
        if width >= _SMALLEST:
            boxes.append((depth, left, width, name))
            _place(child, depth + 1, left, scale, boxes)
        left += width


def _box(depth: int, left: float, width: float, name: str, *, height: int) -> str:
    top = height - _ROW * (depth + 1)
    hue = 10 + sum(name.encode()) % 45
    letters = int(width / 6.2)
    label = html.escape(name if len(name) <= letters else name[: max(0, letters - 1)] + "…") if letters > 3 else ""
    text = f'<text x="{left + 2:.1f}" y="{top + 11}">{label}</text>' if label else ""
    share = f"{100 * width / _WIDTH:.1f} %"
    return (
        f'<g><title>{html.escape(name)} {share}</title><rect x="{left:.1f}" y="{top}" width="{width:.1f}" '
        f'height="{_ROW - 1}" fill="hsl({hue},80%,70%)"/>{text}</g>'
    )
