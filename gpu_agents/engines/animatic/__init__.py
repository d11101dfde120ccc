"""The `animatic` engine: a film from stills (or clips), speech and a music bed, with camera moves and transitions.

Formats: mp4 (H.264, AAC 48 kHz stereo), webm (VP9, Opus), gif (at most 480 px and 12.5 frames per second, no sound).
mp4 and webm always have a sound track, silent when the film has no sound. Subtitles and the title are burned in when
`FilmSpec.subtitles` is set; otherwise mp4 and webm carry the subtitles as a track that players can switch on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from gpu_agents.engines.animatic.render import film_cues, paint_film
from gpu_agents.engines.animatic.soundtrack import mix_layers, plan_layers
from gpu_agents.engines.animatic.timeline import Slot, plan_slots
from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.media.encode import CODECS, CONTENT_TYPES, GIF_FPS, GIF_LONG_SIDE, TEXT_CODECS, Job, make_gif
from gpu_agents.media.ffmpeg import ffmpeg_exe, write_metadata
from gpu_agents.media.fonts import cjk_font
from gpu_agents.media.recipe import make_recipe
from gpu_agents.media.sound import SAMPLE_RATE
from gpu_agents.media.subtitles import Cue, to_srt
from schemas.errors import RenderError
from schemas.specs import FilmSpec, Spec

SECONDS_PER_MEGAPIXEL = 0.027  # of one frame on two cores
START_SECONDS = 1.5
MAX_SIDE, MAX_FPS = 4096, 120
LIBRARIES = ("imageio-ffmpeg", "opencv-python-headless", "pillow", "numpy", "av", "moviepy")
TRACK_LANGUAGES = {"zh": "chi", "en": "eng"}  # ISO 639-2

Finder = Callable[[str, str], Path]


class AnimaticEngine:
    """Video engine for `FilmSpec`; needs no GPU and no weights."""

    name: ClassVar[str] = "animatic"
    kind: ClassVar[EngineKind] = EngineKind.VIDEO
    version: ClassVar[str] = "1.1"

    def setup(self) -> None:
        """Find ffmpeg and the font. Raises `ConfigurationError` when one is missing."""
        ffmpeg_exe()
        cjk_font()

    def estimate(self, spec: Spec) -> Estimate:
        """Seconds on two cores; one step per frame."""
        film = _check(spec)
        frames = plan_slots(film)[-1].end
        seconds = START_SECONDS + frames * SECONDS_PER_MEGAPIXEL * film.width * film.height / 1e6
        return Estimate(seconds=seconds, steps=frames)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main", "poster", "thumbnail" and, with subtitles, "subtitles" (SubRip)."""
        film = _check(spec)
        slots = plan_slots(film)
        find = _finder(context)
        recipe = make_recipe(self.name, self.version, film, _parameters(film), _used_inputs(film, find), LIBRARIES)
        cues = film_cues(film, slots)
        sidecar = _write_subtitles(cues, context.workdir)
        job = self._job(film, slots, find, context, sidecar, str(recipe["recipe_id"]))
        poster = paint_film(film, slots, cues, job, find, context)
        main = _finish(film, job, slots[-1].end / film.fps, context)
        files = [_main_file(film, slots, main), *poster.write(context.workdir)]
        if sidecar is not None:
            files.append(OutputFile(role="subtitles", path=sidecar, content_type="application/x-subrip"))
        summary = {
            "duration": slots[-1].end / film.fps,
            "frames": slots[-1].end,
            "shots": len(slots),
            "subtitles": len(cues),
            "recipe_id": recipe["recipe_id"],
        }
        return RenderOutput(files=files, recipe=recipe, summary=summary)

    def cancel(self) -> None:
        """Nothing beyond the context: every loop of a render asks it at least ten times a second."""

    def _job(
        self,
        film: FilmSpec,
        slots: list[Slot],
        find: Finder,
        context: RenderContext,
        sidecar: Path | None,
        recipe_id: str,
    ) -> Job:
        """Mix the sound, write the tags and say what ffmpeg shall make."""
        folder = context.workdir
        sound = folder / "soundtrack.wav"
        total = round(slots[-1].end / film.fps * SAMPLE_RATE)
        mix_layers(plan_layers(film, slots, find), total, sound, context.check_cancelled)
        comment = f"storyreel {self.name} {self.version} recipe {recipe_id}"
        tags = write_metadata(folder / "tags.txt", {"title": film.title, "comment": comment})
        embedded = sidecar if not film.subtitles and film.output_format in TEXT_CODECS else None
        return Job(
            width=film.width,
            height=film.height,
            fps=film.fps,
            format=film.output_format,
            sound=sound,
            tags=tags,
            text=embedded,
            text_language=TRACK_LANGUAGES[film.language],
            target=folder / f"film.{'mp4' if film.output_format == 'gif' else film.output_format}",
        )


def _check(spec: Spec) -> FilmSpec:
    if not isinstance(spec, FilmSpec):
        raise RenderError(f"spec: the animatic engine renders films, not {type(spec).__name__}")
    for field, size in (("width", spec.width), ("height", spec.height)):
        if size % 2 or not 16 <= size <= MAX_SIDE:
            raise RenderError(f"{field}: {size} is not an even number from 16 to {MAX_SIDE}")
    if not 1 <= spec.fps <= MAX_FPS:
        raise RenderError(f"fps: {spec.fps} is not from 1 to {MAX_FPS}")
    return spec


def _finder(context: RenderContext) -> Finder:
    def find(stage: str, field: str) -> Path:
        if stage not in context.inputs:
            raise RenderError(f"{field}: there is no input file of stage {stage!r}")
        return context.inputs[stage]

    return find


def _used_inputs(film: FilmSpec, find: Finder) -> dict[str, Path]:
    used = {shot.still_stage: find(shot.still_stage, f"shot {shot.shot_id}: still_stage") for shot in film.shots}
    if film.audio:
        stages = {shot.speech_stage: f"shot {shot.shot_id}: speech_stage" for shot in film.shots if shot.speech_stage}
        stages |= {film.music_stage: "music_stage"} if film.music_stage else {}
        used |= {stage: find(stage, field) for stage, field in stages.items()}
    return used


def _parameters(film: FilmSpec) -> dict[str, object]:
    """Everything that shapes the film except texts."""
    fields = ("width", "height", "fps", "language", "subtitles", "audio", "output_format", "seed")
    shots = [[shot.duration, shot.camera, shot.transition] for shot in film.shots]
    return {
        **{name: getattr(film, name) for name in fields},
        "shots": shots,
        "encoder": list(CODECS[film.output_format]),
    }


def _write_subtitles(cues: list[Cue], folder: Path) -> Path | None:
    if not cues:
        return None
    path = folder / "subtitles.srt"
    path.write_text(to_srt(cues), encoding="utf-8")
    return path


def _finish(film: FilmSpec, job: Job, seconds: float, context: RenderContext) -> Path:
    """The final file: a GIF is made from the film just encoded; scratch files are removed."""
    main = job.target
    if film.output_format == "gif":
        main = context.workdir / "film.gif"
        make_gif(job.target, main, seconds, context.check_cancelled)
        job.target.unlink()
    job.sound.unlink()
    job.tags.unlink()
    return main


def _main_file(film: FilmSpec, slots: list[Slot], path: Path) -> OutputFile:
    width, height, fps = film.width, film.height, float(film.fps)
    if film.output_format == "gif":
        scale = GIF_LONG_SIDE / max(width, height)
        width, height, fps = round(width * scale), round(height * scale), GIF_FPS
    media = {"width": width, "height": height, "fps": fps, "duration": slots[-1].end / film.fps}
    return OutputFile(role="main", path=path, content_type=CONTENT_TYPES[film.output_format], media=media)
