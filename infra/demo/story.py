"""The way of a story: reference pictures → character → storyboard → film, each through the API."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from infra.demo.bars import follow
from infra.demo.client import ApiClient
from infra.samples.portraits import draw
from schemas.errors import StoryreelError

SEED = 2026  # the same story gives the same film
SAMPLES = Path(__file__).parent.parent / "samples"


class DemoError(StoryreelError):
    """A step of the demo ended badly; the message carries the API's own words."""

    code = "demo_failed"


class Story(Struct, frozen=True, kw_only=True):
    """A script and its protagonist. `portrait` names the drawn reference pictures."""

    name: str
    script: str
    character: str
    description: str
    portrait: str


class Film(Struct, frozen=True, kw_only=True):
    """Where the result lies and what it took."""

    path: Path
    poster: Path
    subtitles: Path | None
    url: str
    task: dict[str, Any]
    seconds: float


def load_story(choice: str) -> Story:
    """A shipped story ("zh", "en") or a script file of one's own, which is filmed with the English protagonist."""
    if choice == "zh":
        text = (SAMPLES / "rain_lantern.zh.txt").read_text(encoding="utf-8")
        return Story(
            name="rain_lantern", script=text, character="林夏", description="黑发，红衣的年轻女子", portrait="lin_xia"
        )
    if choice == "en":
        text = (SAMPLES / "the_last_light.en.fountain").read_text(encoding="utf-8")
        description = "a young woman with copper hair in a yellow raincoat"
        return Story(name="the_last_light", script=text, character="Mara", description=description, portrait="mara")
    path = Path(choice)
    if not path.is_file():
        raise DemoError(f"--script: en, zh or a file; {choice!r} is none of them")
    return Story(name=path.stem, script=_read(path), character="Mara", description="a young woman", portrait="mara")


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DemoError(f"--script: {path} is no text in UTF-8 (byte {error.start + 1} is none)") from error
    if not text.strip():
        raise DemoError(f"--script: {path} is empty")
    return text


async def film_story(client: ApiClient, story: Story, out_dir: Path, console: Console) -> Film:
    """Film a story and fetch the files into `out_dir`. Raises `DemoError` when a task does not complete."""
    began = time.monotonic()
    character_id = await _make_character(client, story, console)
    board = await _make_storyboard(client, story, character_id, console)
    _show_board(console, board)
    console.print("\n[bold]3/3[/] film, 1280x768, 24 frames/s")
    body = {
        "storyboard_id": board["storyboard_id"],
        "video_config": {"fps": 24, "resolution": "1280x768", "audio": True},
        "output_format": "mp4",
        "seed": SEED,
    }
    task = await _run(client, "videos/generate", body, console)
    return await _fetch(client, story, task, out_dir, time.monotonic() - began)


async def _make_character(client: ApiClient, story: Story, console: Console) -> str:
    console.print(f"\n[bold]1/3[/] character {story.character} from drawn reference pictures")
    folder = Path(tempfile.mkdtemp(prefix="storyreel-photos-"))
    try:
        photos = draw(story.portrait, folder)
        fields = {"name": story.character, "description": story.description}
        accepted = await client.post_photos("characters", fields, photos)
    finally:
        shutil.rmtree(folder)
    await _finish(client, accepted["task_id"], console)
    return str(accepted["character_id"])


async def _make_storyboard(client: ApiClient, story: Story, character_id: str, console: Console) -> dict[str, Any]:
    console.print("\n[bold]2/3[/] storyboard from the script")
    accepted = await client.post("scripts/storyboard", {"script": story.script, "characters": [character_id]})
    await _finish(client, accepted["task_id"], console)
    return await client.get(f"storyboards/{accepted['storyboard_id']}")


async def _run(client: ApiClient, path: str, body: Mapping[str, Any], console: Console) -> dict[str, Any]:
    accepted = await client.post(path, body)
    return await _finish(client, accepted["task_id"], console)


async def _finish(client: ApiClient, task_id: str, console: Console) -> dict[str, Any]:
    task = await client.get(f"tasks/{task_id}")
    task = await follow(console, task["stages"], client.events(task_id), lambda: client.get(f"tasks/{task_id}"))
    if task["status"] != "completed":
        error = task.get("error") or {}
        raise DemoError(f"task {task_id} ended as {task['status']}: {error.get('detail') or error}")
    return task


def _show_board(console: Console, board: Mapping[str, Any]) -> None:
    draft = board["storyboard"]
    table = Table(title=str(draft["title"]), title_justify="left", box=None, pad_edge=False)
    widths = {"shot": 7, "s": 4, "camera": 10, "lighting": 12, "mood": 10}
    for column, width in widths.items():
        table.add_column(column, width=width, no_wrap=True)
    table.add_column("what is seen", max_width=max(20, console.width - sum(widths.values()) - 6), no_wrap=True)
    for shot in draft["shots"]:
        seconds = f"{shot['duration']:.1f}"
        table.add_row(shot["id"], seconds, shot["camera"], shot["lighting"], shot["mood"], shot["prompt"])
    console.print(table)


async def _fetch(client: ApiClient, story: Story, task: dict[str, Any], out_dir: Path, seconds: float) -> Film:
    result = task["result"]
    out_dir.mkdir(parents=True, exist_ok=True)
    path = await client.download(result["url"], out_dir / f"{story.name}.mp4")
    poster = await client.download(result["poster"], out_dir / f"{story.name}.jpg")
    subtitles = result.get("subtitles")
    if subtitles:
        subtitles = await client.download(subtitles, out_dir / f"{story.name}.srt")
    return Film(path=path, poster=poster, subtitles=subtitles, url=result["url"], task=task, seconds=seconds)
