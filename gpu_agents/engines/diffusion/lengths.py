"""How many frames a video model makes at once, and how a long shot is put together from several runs. Pure."""

from __future__ import annotations

import math

from msgspec import Struct

from schemas.errors import RenderError

MAX_RUNS = 64


class FrameRule(Struct, frozen=True, kw_only=True):
    """A model makes `unit` * k + `extra` frames, at most `most`, at about `fps`; sides are multiples of `multiple` px."""

    unit: int
    extra: int
    most: int
    fps: int
    multiple: int = 16


RULES: dict[str, FrameRule] = {
    "StableVideoDiffusion": FrameRule(unit=1, extra=0, most=25, fps=7, multiple=64),
    "LTX": FrameRule(unit=8, extra=1, most=161, fps=25, multiple=32),
    "Wan": FrameRule(unit=4, extra=1, most=81, fps=16),
    "AnimateDiff": FrameRule(unit=1, extra=0, most=16, fps=8),
    "CogVideoX": FrameRule(unit=8, extra=1, most=49, fps=8),
    "HunyuanVideo": FrameRule(unit=4, extra=1, most=129, fps=24),
    "Mochi": FrameRule(unit=6, extra=1, most=163, fps=30),
}
OTHER = FrameRule(unit=4, extra=1, most=49, fps=16)


def rule_of(pipeline: str, *, fps: int = 0, most: int = 0) -> FrameRule:
    """The rule of a pipeline class by its name; `fps` and `most` of the registry take the place of the rule's own."""
    found = next((rule for prefix, rule in RULES.items() if pipeline.startswith(prefix)), OTHER)
    return FrameRule(
        unit=found.unit,
        extra=found.extra,
        most=most or found.most,
        fps=fps or found.fps,
        multiple=found.multiple,
    )


def plan_runs(seconds: float, rule: FrameRule, *, chained: bool) -> list[int]:
    """Frames of each run, enough for `seconds` together. A chained run begins with the last frame of the one before it,
    which is not counted twice.

    Raises `RenderError` when the shot needs more than `MAX_RUNS` runs.
    """
    wanted = max(1, math.ceil(seconds * rule.fps))
    most = _at_most(rule.most, rule)
    runs: list[int] = []
    made = 0
    while made < wanted:
        again = 1 if runs and chained else 0
        frames = min(most, _at_least(wanted - made + again, rule))
        if frames <= again:
            raise RenderError(f"max_frames: {rule.most} frames a run are too few to chain runs", code="bad_model")
        runs.append(frames)
        made += frames - again
        if len(runs) > MAX_RUNS:
            raise RenderError(f"a shot of {seconds:g} s needs more than {MAX_RUNS} runs of this model", code="too_long")
    return runs


def _at_least(frames: int, rule: FrameRule) -> int:
    steps = max(0, math.ceil((frames - rule.extra) / rule.unit))
    return max(1, steps * rule.unit + rule.extra) if steps or rule.extra else rule.unit


def _at_most(frames: int, rule: FrameRule) -> int:
    return max(1, (frames - rule.extra) // rule.unit * rule.unit + rule.extra)
