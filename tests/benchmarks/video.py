"""Frames a second of the animatic engine against ffmpeg alone, fed with the very frames that the engine had made."""

from __future__ import annotations

import cProfile
import pstats
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gpu_agents.engines.animatic import AnimaticEngine, render
from gpu_agents.engines.base import RenderContext
from gpu_agents.engines.sketch import SketchEngine
from gpu_agents.media.encode import FrameWriter, Job, encoder_arguments
from gpu_agents.media.ffmpeg import FFmpeg
from gpu_agents.media.frames import Planes
from schemas.specs import FilmShot, FilmSpec, ShotSpec
from tests.benchmarks.figures import Figure, Options

WIDTH, HEIGHT, FPS = 1280, 768, 24
PROMPTS = ("rain over the old town", "a lighthouse at night, storm", "market in the morning, people")


class Cost(Struct):
    """Seconds by the clock, and of CPU time of all processes that took part."""

    seconds: float
    cpu: float


async def measure(options: Options) -> list[Figure]:
    """Both in turn; the film has camera moves, cross fades, subtitles in Chinese and English, and a silent track."""
    with tempfile.TemporaryDirectory(prefix="storyreel-video-") as made:
        folder = Path(made)
        film = _film(options.count(10, 3))
        stills = _stills(folder / "stills")
        frames, job, raw = _recorded(film, stills, folder / "recorded")
        engine, alone = [], []
        for number in range(options.runs + 1):  # the first pair fills the caches
            engine.append(_cost(partial(_render, film, stills, folder / f"film-{number}")))
            alone.append(_cost(partial(_encode, job, raw)))
            options.say(
                f"engine {engine[-1].seconds:.2f} s ({engine[-1].cpu:.2f} s CPU), ffmpeg {alone[-1].seconds:.2f} s"
            )
            if engine[1:]:
                options.keep(_figures(frames, engine[1:], alone[1:]))
        if options.profile:
            _profile(partial(_render, film, stills, folder / "profiled"), options.folder / "video-profile.txt")
    return _figures(frames, engine[1:], alone[1:])


def _figures(frames: int, engine: list[Cost], alone: list[Cost]) -> list[Figure]:
    size = f"{frames} frames of {WIDTH}x{HEIGHT}"
    return [
        Figure(
            name="film frames, against ffmpeg alone",
            unit="/s",
            runs=[frames / cost.seconds for cost in engine],
            baseline=[frames / cost.seconds for cost in alone],
            limit=0.8,
            of_baseline=True,
            note=size,
        ),
        Figure(
            name="film frames a second of CPU time",
            unit="/s",
            runs=[frames / cost.cpu for cost in engine],
            baseline=[frames / cost.cpu for cost in alone],
        ),
    ]


def _film(seconds: int) -> FilmSpec:
    cameras = ("pan", "zoom", "dolly")
    shots = [
        FilmShot(
            shot_id=f"shot-{n}",
            duration=seconds / len(PROMPTS),
            still_stage=f"shot-{n}",
            camera=cameras[n],  # type: ignore[arg-type]
            subtitle=("雨落在老城的屋檐上", "The light goes round.", "早市开始了")[n],
        )
        for n in range(len(PROMPTS))
    ]
    return FilmSpec(shots=shots, width=WIDTH, height=HEIGHT, fps=FPS)


def _stills(folder: Path) -> dict[str, Path]:
    """One drawn picture for each shot, a little larger than the film, as stages deliver them."""
    engine, stills = SketchEngine(), {}
    engine.setup()
    for number, prompt in enumerate(PROMPTS):
        place = folder / str(number)
        place.mkdir(parents=True)
        spec = ShotSpec(prompt=prompt, width=1536, height=920, seed=number)
        output = engine.render(spec, RenderContext(place, {}))
        stills[f"shot-{number}"] = next(file.path for file in output.files if file.role == "main")
    return stills


def _render(film: FilmSpec, stills: dict[str, Path], folder: Path) -> None:
    folder.mkdir()
    engine = AnimaticEngine()
    engine.setup()
    engine.render(film, RenderContext(folder, stills))


def _recorded(film: FilmSpec, stills: dict[str, Path], folder: Path) -> tuple[int, Job, Path]:
    """Render once and keep what the encoder got: number of frames, its order, and all frames in one file."""
    raw, jobs = folder.with_suffix(".i420"), list[Job]()

    class Recorder(FrameWriter):
        def __init__(self, job: Job, check: Callable[[], None]) -> None:
            kept = {
                name: Path(shutil.copy(getattr(job, name), folder.with_suffix(f".{name}")))
                for name in ("sound", "tags")
            }
            jobs.append(replace(job, **kept, target=folder.with_suffix(".mp4")))
            super().__init__(job, check)

        def put(self, frame: Planes) -> None:
            file.write(frame.flat.data)
            super().put(frame)

    original, vars(render)["FrameWriter"] = vars(render)["FrameWriter"], Recorder
    try:
        with raw.open("wb") as file:
            _render(film, stills, folder)
    finally:
        vars(render)["FrameWriter"] = original
    return raw.stat().st_size // (WIDTH * HEIGHT * 3 // 2), jobs[0], raw


def _encode(job: Job, raw: Path) -> None:
    """The frames from memory (the file has just been read) through a pipe, one at a time."""
    with raw.open("rb") as frames, FFmpeg(encoder_arguments(job), feed=True) as ffmpeg:
        shutil.copyfileobj(frames, ffmpeg.stdin, WIDTH * HEIGHT * 3 // 2)


def _profile(work: Callable[[], object], path: Path) -> None:
    """Where the painter's thread spends its CPU time, function by function."""
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(work)
    with path.open("w") as file:
        pstats.Stats(profile, stream=file).sort_stats("tottime").print_stats(30)


def _cost(work: Callable[[], object]) -> Cost:
    began, busy = time.perf_counter(), _cpu()
    work()
    return Cost(seconds=time.perf_counter() - began, cpu=_cpu() - busy)


def _cpu() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
