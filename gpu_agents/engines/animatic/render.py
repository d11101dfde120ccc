"""The render loop: frames are painted one by one and piped into ffmpeg, so memory does not grow with the film's length."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gpu_agents.engines.animatic.compositor import Compositor, TextTrack
from gpu_agents.engines.animatic.pictures import PosterPicker
from gpu_agents.engines.animatic.sources import Source, open_source
from gpu_agents.engines.animatic.timeline import Slot
from gpu_agents.engines.base import RenderContext
from gpu_agents.media.captions import Overlay, draw_subtitle, draw_title, subtitle_measure
from gpu_agents.media.encode import FrameWriter, Job
from gpu_agents.media.frames import Planes, encode_jpeg, to_rgb
from gpu_agents.media.subtitles import Cue, make_cues, speaker_prefix
from schemas.specs import FilmSpec

PROGRESS_FRAMES = 12
PREVIEW_SECONDS = 4.0  # of film between two previews
PREVIEW_SIDE = 320  # px
TITLE_SECONDS = 3.0


def film_cues(spec: FilmSpec, slots: list[Slot]) -> list[Cue]:
    """The subtitles of all shots, broken into lines for the film's size."""
    measure, limit = subtitle_measure(spec.width, spec.height)
    cues: list[Cue] = []
    for shot, slot in zip(spec.shots, slots, strict=True):
        prefix = speaker_prefix(shot.speaker, spec.language)
        end = slot.end - (slot.half if slot.index + 1 == len(slots) else 0)  # no text over the closing fade
        cues += make_cues(shot.subtitle, prefix, slot.start / spec.fps, end / spec.fps, measure, limit)
    return cues


def paint_film(
    spec: FilmSpec,
    slots: list[Slot],
    cues: list[Cue],
    job: Job,
    find: Callable[[str, str], Path],
    context: RenderContext,
) -> PosterPicker:
    """Paint and encode every frame into `job.target`; reports progress every `PROGRESS_FRAMES` frames.

    Raises `RenderError` for unusable inputs or a failing encoder, `RenderCancelledError` when told to stop; ffmpeg has
    ended in every case.
    """

    def open_slot(slot: Slot) -> Source:
        shot = spec.shots[slot.index]
        return open_source(find(shot.still_stage, f"shot {shot.shot_id}: still_stage"), shot, slot, spec)

    total = slots[-1].end
    texts = _text_track(spec, slots, cues)
    poster = PosterPicker(slots)
    preview_step = max(1, round(PREVIEW_SECONDS * spec.fps / PROGRESS_FRAMES)) * PROGRESS_FRAMES
    with (
        closing(Compositor(slots, open_slot, spec.width, spec.height)) as compositor,
        FrameWriter(job, context.check_cancelled) as writer,
    ):
        for number in range(total):
            frame = writer.take()
            compositor.paint(number, frame)
            poster.look(number, frame)
            texts.paint(number / spec.fps, frame)
            if number % PROGRESS_FRAMES == 0:
                preview = _preview(frame) if number % preview_step == 0 else None
                context.progress(number, total, preview)
            writer.put(frame)
        writer.finish()
    context.progress(total, total)
    return poster


def _text_track(spec: FilmSpec, slots: list[Slot], cues: list[Cue]) -> TextTrack:
    """Burned-in text; none at all when the film was asked for without subtitles."""

    def draw(cue: Cue) -> Overlay:
        return draw_subtitle(cue, spec.language, spec.width, spec.height)

    if not spec.subtitles:
        return TextTrack([], draw, None, 0.0)
    end = min(TITLE_SECONDS, slots[0].end / spec.fps)
    title = draw_title(spec.title, spec.language, spec.width, spec.height) if spec.title.strip() else None
    return TextTrack(cues, draw, title, end)


def _preview(frame: Planes) -> bytes:
    return encode_jpeg(to_rgb(frame, PREVIEW_SIDE), quality=70)
