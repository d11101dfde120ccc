"""The `tone` engine: a music bed or an ambience, synthesised by mood. Needs no weights; the same seed gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.tone.sections import bed_blocks, total_samples
from gpu_agents.engines.tone.streams import HOP
from gpu_agents.media.recipe import make_recipe
from gpu_agents.media.sound import AUDIO_TYPES, SAMPLE_RATE, WavWriter, deliver
from schemas.errors import RenderError
from schemas.specs import MusicSpec, Spec

MAX_SECONDS = 3600.0
SPEED = 25.0  # seconds of sound made in a second


class ToneEngine:
    """Music engine for `MusicSpec`: 48 kHz stereo, WAV (16 bit) or MP3, exactly as long as its sections together."""

    name: ClassVar[str] = "tone"
    kind: ClassVar[EngineKind] = EngineKind.MUSIC
    version: ClassVar[str] = "1.0"

    def setup(self) -> None:
        """Nothing to load."""

    def estimate(self, spec: Spec) -> Estimate:
        """One step per block of 1.4 s."""
        total = total_samples(_check(spec))
        return Estimate(seconds=0.3 + total / SAMPLE_RATE / SPEED, steps=-(-total // HOP))

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main"."""
        bed = _check(spec)
        path = _write(bed, context)
        seconds = total_samples(bed) / SAMPLE_RATE
        parameters = {
            "sections": [list(section) for section in bed.sections],
            "ambience": bed.ambience,
            "seed": bed.seed,
            "output_format": bed.output_format,
        }
        main = OutputFile(
            role="main",
            path=path,
            content_type=AUDIO_TYPES[bed.output_format],
            media={"duration": seconds, "sample_rate": SAMPLE_RATE, "channels": 2},
        )
        return RenderOutput(
            files=[main],
            recipe=make_recipe(self.name, self.version, bed, parameters, {}, ("numpy", "imageio-ffmpeg")),
            summary={"duration": seconds, "moods": [mood for mood, _ in bed.sections], "ambience": bed.ambience},
        )

    def cancel(self) -> None:
        """Nothing beyond the context: it is asked after every block."""


def _check(spec: Spec) -> MusicSpec:
    if not isinstance(spec, MusicSpec):
        raise RenderError(f"spec: the tone engine renders music, not {type(spec).__name__}")
    if not spec.sections:
        raise RenderError("sections: a bed needs at least one section")
    for mood, seconds in spec.sections:
        if not 0.0 < seconds <= MAX_SECONDS:
            raise RenderError(f"sections: {seconds} s of {mood} is not above 0 and at most {MAX_SECONDS:g} s")
    return spec


def _write(bed: MusicSpec, context: RenderContext) -> Path:
    wav = context.workdir / "music.wav"
    steps = -(-total_samples(bed) // HOP)
    context.progress(0, steps)
    with WavWriter(wav, channels=2) as file:
        for step, block in enumerate(bed_blocks(bed), start=1):
            file.write(block)
            context.progress(step, steps)
    return deliver(wav, bed.output_format, context.check_cancelled)
