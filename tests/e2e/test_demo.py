"""The demo is the main job: a script, a character, a film. Checked as a person would: streams, length, and what is seen."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest

from gpu_agents.media.probe import MediaInfo, probe
from infra.samples.portraits import draw

TIME_LIMIT = 180  # seconds from command to film, packages installed


class Demo:
    """One run of the command and what it left."""

    def __init__(self, data: Path, output: str) -> None:
        self.data = data
        self.output = output
        self.film = data / "demo" / "the_last_light.mp4"
        self.info: MediaInfo = probe(self.film)

    def frames_at(self, fractions: list[float]) -> list[np.ndarray]:
        """Pictures (RGB) at fractions of the film's length."""
        wanted = sorted(int(self.info.frames * fraction) for fraction in fractions)
        found = []
        with av.open(str(self.film)) as film:
            for number, frame in enumerate(film.decode(video=0)):
                if number in wanted:
                    found.append(frame.to_ndarray(format="rgb24"))
        return found


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    data = Path(tempfile.mkdtemp(prefix="storyreel-demo-"))
    command = [sys.executable, "-m", "infra.cli", "demo", "--data", str(data), "--script", "en"]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            env=os.environ | {"COLUMNS": "120"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Demo(data, done.stdout)
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.mark.timeout(TIME_LIMIT + 60)
def test_the_film_is_what_was_asked_for(demo: Demo) -> None:
    video, audio = demo.info.first("video"), demo.info.first("audio")
    assert video is not None
    assert audio is not None
    assert (video.codec, video.width, video.height, round(float(video.fps or 0))) == ("h264", 1280, 768, 24)
    assert audio.codec == "aac"
    assert 45 <= demo.info.duration <= 60.1
    assert abs(demo.info.frames - demo.info.duration * 24) <= 2


def test_poster_and_subtitles_lie_beside_it(demo: Demo) -> None:
    poster = cv2.imread(str(demo.film.with_suffix(".jpg")))
    assert poster is not None
    assert poster.shape[:2] == (768, 1280)
    subtitles = demo.film.with_suffix(".srt").read_text(encoding="utf-8")
    assert re.search(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\nMara: ", subtitles)


def test_path_and_url_are_printed(demo: Demo) -> None:
    assert str(demo.film) in demo.output
    assert re.search(r"url +http://127\.0\.0\.1:\d+/objects/results/", demo.output)
    assert "espeak-ng" in demo.output


def test_pictures_are_neither_black_nor_alike(demo: Demo) -> None:
    frames = demo.frames_at([0.06, 0.2, 0.4, 0.6, 0.8, 0.95])
    assert len(frames) == 6
    for frame in frames:
        assert frame.mean() > 12
        assert frame.std() > 12
    small = [cv2.resize(frame, (64, 40)).astype(float) for frame in frames]
    for one, other in itertools.pairwise(small):
        assert np.abs(one - other).mean() > 8


def test_the_character_is_in_the_film(demo: Demo, tmp_path: Path) -> None:
    frames = demo.frames_at([n / 24 for n in range(1, 24)])
    mara, stranger = (_best_match(frames, draw(name, tmp_path)[0]) for name in ("mara", "lin_xia"))
    assert mara > 0.75
    assert mara > stranger + 0.15


def test_nothing_is_left_running(demo: Demo) -> None:
    left = [
        p.info["cmdline"]
        for p in psutil.process_iter(["cmdline"])
        if str(demo.data) in " ".join(p.info["cmdline"] or [])
    ]
    assert left == []


def _best_match(frames: list[np.ndarray], portrait: Path) -> float:
    """How well head and hair of a portrait are found in any frame, at any size: colour correlation, at most 1."""
    picture = cv2.imread(str(portrait))
    assert picture is not None
    height, width = picture.shape[:2]
    head = picture[int(height * 0.16) : int(height * 0.56), int(width * 0.27) : int(width * 0.73)]
    best = 0.0
    for frame in frames:
        small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), None, fx=0.25, fy=0.25)
        for size in (14, 20, 28, 38, 50, 64):
            template = cv2.resize(head, (size, size * head.shape[0] // head.shape[1]), interpolation=cv2.INTER_AREA)
            best = max(best, float(cv2.matchTemplate(small, template, cv2.TM_CCOEFF_NORMED).max()))
    return best
