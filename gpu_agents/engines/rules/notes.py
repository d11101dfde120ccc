"""What the engine assumed or left out, said in the language of the script."""

from __future__ import annotations

from gpu_agents.engines.rules.language import detect
from gpu_agents.engines.rules.shots import Beat
from gpu_agents.engines.rules.timing import TICKS_PER_SECOND, Plan, natural_ticks
from schemas.specs import Language, ScriptSpec

_TOLERANCE = 0.5  # s


def notes(spec: ScriptSpec, language: Language, told: list[Beat], plan: Plan, total: float) -> list[str]:
    """One sentence per assumption: the language, dropped shots, scaled lengths, a target that could not be met."""
    zh = language == "zh"
    result: list[str] = []
    if not spec.language:
        result.append("按文字种类判断：剧本语言为中文。" if zh else "Language detected from its characters: English.")
    elif detect(spec.text) != language:
        result.append(
            "剧本与所选语言不同；本引擎不翻译，文字保持原样。"
            if zh
            else "The script is in another language; it was kept as it is, not translated."
        )
    dropped = len(told) - len(plan.kept)
    if dropped:
        example = next(beat.source for index, beat in enumerate(told) if index not in set(plan.kept))[:30]
        result.append(
            f"为符合时长，省略了 {dropped} 个次要镜头，例如“{example}”。"
            if zh
            else f"Left out {dropped} less important shot{'s' if dropped > 1 else ''} to fit the length, for example “{example}”."
        )
    natural = sum(natural_ticks(told[index]) for index in plan.kept) / TICKS_PER_SECOND
    if plan.goal and abs(natural - total) > _TOLERANCE:
        result.append(
            f"镜头时长由 {natural:.1f} 秒调整为 {total:.1f} 秒。"
            if zh
            else f"Shot lengths scaled from {natural:.1f} s to {total:.1f} s."
        )
    wanted = spec.target_duration
    if wanted > spec.max_duration:
        result.append(
            f"目标时长 {wanted:g} 秒超过上限 {spec.max_duration:g} 秒。"
            if zh
            else f"The target of {wanted:g} s is above the limit of {spec.max_duration:g} s."
        )
    elif wanted > 0 and abs(total - wanted) > _TOLERANCE:
        result.append(
            f"文字只够 {total:.1f} 秒，达不到目标 {wanted:g} 秒。"
            if zh
            else f"The text carries {total:.1f} s, not the {wanted:g} s asked for."
        )
    return result
