"""The sample scripts, and storyboards in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from gpu_agents.engines.rules.storyboard import draft
from schemas.specs import ScriptSpec, StoryboardDraft, StoryboardShot

SAMPLES = Path(__file__).parents[3] / "infra" / "samples"
ZH_SAMPLE = (SAMPLES / "rain_lantern.zh.txt").read_text(encoding="utf-8")
EN_SAMPLE = (SAMPLES / "the_last_light.en.fountain").read_text(encoding="utf-8")


def board(text: str, **fields: object) -> StoryboardDraft:
    return draft(msgspec.structs.replace(ScriptSpec(text=text), **fields))


def spoken(shots: Sequence[StoryboardShot]) -> list[tuple[str, str]]:
    return [(shot.speaker, shot.dialogue) for shot in shots if shot.dialogue]
