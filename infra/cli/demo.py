"""`storyreel demo`: from a script to a film, on the stack that runs or on one of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from infra.cli.options import DATA, DataOption
from infra.cli.showing import StartView, fetch_shown
from infra.cli.up import new_stack, stack_options
from infra.cli.user import create_user
from infra.demo.client import ApiClient
from infra.demo.story import Film, Story, film_story, load_story
from infra.local.paths import StackPaths
from infra.local.state import read_state, running_settings
from infra.settings import Settings


def register(app: App) -> None:
    """Add the command."""
    app.command(demo)


def demo(
    *,
    script: Annotated[str, Parameter(help="zh or en for the shipped stories, or a file of your own.")] = "en",
    devices: Annotated[int, Parameter(help="CPU devices of the stack.")] = 2,
    port: Annotated[int | None, Parameter(help="Port of the API.")] = None,
    data: DataOption = DATA,
) -> None:
    """Turn a script into a film: character, storyboard, pictures, sound, assembly. A stack that runs is used and left."""
    console = Console()
    story = load_story(script)
    began = time.monotonic()
    film = asyncio.run(_demo(console, story, devices, port, data))
    _report(console, film, time.monotonic() - began, data)


async def _demo(console: Console, story: Story, devices: int, port: int | None, data: Path) -> Film:
    async with _stack_settings(console, devices, port, data) as settings:
        account = create_user(settings, "normal")
        async with ApiClient(settings.base_url, account["api_key"]) as client:
            return await film_story(client, story, data.resolve() / "demo", console)


@asynccontextmanager
async def _stack_settings(console: Console, devices: int, port: int | None, data: Path) -> AsyncIterator[Settings]:
    if read_state(StackPaths(data.resolve())).alive():
        yield running_settings(data)
        return
    parts = fetch_shown(console)
    view = StartView(console)
    stack = new_stack(console, view, parts, data, stack_options(port, devices))
    began = time.monotonic()
    try:
        with view.shown():
            await stack.start()
        names = ", ".join(record.name for record in stack.state.processes)
        console.print(
            f"[green]✓[/] local stack in {time.monotonic() - began:.1f} s: {names}", highlight=False, soft_wrap=True
        )
        yield stack.settings
    finally:
        await stack.stop()


def _report(console: Console, film: Film, seconds: float, data: Path) -> None:
    result = film.task["result"]
    voices = _voices(film.task["stages"])
    console.print()
    for label, value in (
        ("film", f"{film.path}  ({result['width']}x{result['height']}, {result['duration']:.1f} s)"),
        ("poster", film.poster),
        ("subtitles", film.subtitles or "-"),
        ("sound", f"music bed and speech ({voices})" if voices else "music bed; no voice was found"),
        ("url", film.url),
        ("took", f"{film.seconds:.0f} s from script to film, {seconds:.0f} s in all"),
    ):
        console.print(f"{label:<10} {value}", highlight=False, soft_wrap=True)
    if not voices:
        console.print(
            "           for speech: apt-get install espeak-ng, or pip install espeakng-loader", highlight=False
        )
    if not read_state(StackPaths(data.resolve())).alive():
        console.print(
            "the stack is stopped, the files stay; after `make up` a demo runs on that stack and its URL works for 5 minutes",
            highlight=False,
            soft_wrap=True,
        )


def _voices(stages: list[dict[str, Any]]) -> str:
    summaries = [stage.get("summary") or {} for stage in stages if stage["kind"] == "speech"]
    return ", ".join(sorted({str(summary["voice"]) for summary in summaries if summary.get("voice")}))
