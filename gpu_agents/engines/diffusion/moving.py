"""Running a video pipeline: one run, or several that follow one another."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from msgspec import Struct
from PIL import Image

from gpu_agents.engines.base import RenderContext
from gpu_agents.engines.diffusion.lengths import FrameRule, plan_runs, rule_of
from gpu_agents.engines.diffusion.loading import Loaded
from gpu_agents.engines.diffusion.prompts import encode
from gpu_agents.engines.diffusion.sizes import drawing_size
from gpu_agents.engines.diffusion.wording import shot_words
from gpu_agents.media.frames import Bytes, encode_jpeg, resize
from schemas.specs import ClipSpec

PREVIEW_SIDE = 320
LEAN_CHUNK = 1  # frames that a lean SVD decodes at once


class Motion(Struct, frozen=True, kw_only=True):
    """How a clip is made: runs by their frames, the rule behind them, the size drawn, whether the still is its first frame."""

    runs: list[int]
    rule: FrameRule
    size: tuple[int, int]
    from_still: bool
    steps: int


def plan_motion(spec: ClipSpec, loaded: Loaded) -> Motion:
    """The plan of a clip on this model. Raises `RenderError` for a shot that is too long for it."""
    defaults = loaded.checked.entry.defaults
    accepted = inspect.signature(loaded.pipeline.__call__).parameters
    rule = rule_of(type(loaded.pipeline).__name__, fps=defaults.fps, most=defaults.max_frames)
    from_still = "image" in accepted
    return Motion(
        runs=plan_runs(spec.seconds, rule, chained=from_still),
        rule=rule,
        size=drawing_size(spec.shot.width, spec.shot.height, defaults.long_side, rule.multiple),
        from_still=from_still,
        steps=defaults.steps or spec.shot.steps,
    )


def move(spec: ClipSpec, loaded: Loaded, motion: Motion, still: Image.Image, context: RenderContext) -> list[Bytes]:
    """All frames of the clip, RGB. With a model that reads pictures each run goes on from the last frame of the one before;
    others make takes of their own, each with the next seed.
    """
    frames: list[Bytes] = []
    first = still.resize(motion.size, Image.Resampling.LANCZOS)
    total = motion.steps * len(motion.runs)
    for number, count in enumerate(motion.runs):
        made = _run(spec, loaded, motion, first, count, number, total, context)
        chained = motion.from_still and number > 0
        frames += made[1:] if chained else made
        first = Image.fromarray(made[-1])
        shown = _small(made[-1])
        context.progress((number + 1) * motion.steps, total, encode_jpeg(shown, quality=70))
    return frames


def _run(
    spec: ClipSpec,
    loaded: Loaded,
    motion: Motion,
    first: Image.Image,
    count: int,
    number: int,
    total: int,
    context: RenderContext,
) -> list[Bytes]:
    import torch

    pipeline, defaults = loaded.pipeline, loaded.checked.entry.defaults
    accepted = frozenset(inspect.signature(pipeline.__call__).parameters)

    def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        context.progress(number * motion.steps + min(step + 1, motion.steps), total)
        return tensors

    wanted: dict[str, Any] = {
        "image": first,
        "width": motion.size[0],
        "height": motion.size[1],
        "num_frames": count,
        "num_inference_steps": motion.steps,
        "frame_rate": motion.rule.fps,
        "fps": motion.rule.fps,
        "output_type": "pil",
        "decode_chunk_size": LEAN_CHUNK if loaded.lean else min(count, 8),
        "callback_on_step_end": after_step,
        "generator": torch.Generator("cpu").manual_seed(spec.shot.seed + (0 if motion.from_still else number)),
    }
    if defaults.guidance_scale >= 0:
        wanted["guidance_scale"] = defaults.guidance_scale
    called = {name: value for name, value in wanted.items() if name in accepted}
    if "prompt" in accepted:
        words = encode(
            pipeline, shot_words(spec.shot), spec.shot.negative_prompt, accepted, _limit(pipeline, defaults.max_tokens)
        )
        called = words.arguments | called
    try:
        result = pipeline(**called)
    finally:
        pipeline.maybe_free_model_hooks()
    return [np.asarray(frame.convert("RGB"), np.uint8) for frame in result.frames[0]]


def _limit(pipeline: Any, configured: int) -> int:
    """LTX reads 128 tokens and says so only in its signature; others that have such a limit read 512."""
    if configured:
        return configured
    parameter = inspect.signature(pipeline.__call__).parameters.get("max_sequence_length")
    return int(parameter.default) if parameter is not None and isinstance(parameter.default, int) else 0


def _small(frame: Bytes) -> Bytes:
    height, width = frame.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(width, height))
    return resize(frame, max(1, round(width * scale)), max(1, round(height * scale)))
