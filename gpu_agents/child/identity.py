"""A shot that names characters: drawn, scored against them, and drawn again with another seed while it misses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gpu_agents.engines.base import Engine, EngineKind, OutputFile, RenderContext, RenderOutput
from gpu_agents.faces.identity import Roll, Score, again, configured_rerolls, kept, roll_seed
from schemas.specs import CharacterRef, ShotSpec, Spec

ScoreFunction = Callable[[OutputFile, list[CharacterRef]], list[Score]]


def is_scored(engine: Engine, spec: Spec) -> bool:
    """Pictures that were drawn for characters with a vector; a client's own picture in their place is not judged."""
    if engine.kind is not EngineKind.IMAGE or not isinstance(spec, ShotSpec) or spec.image_key:
        return False
    return any(character.face is not None for character in spec.characters)


def render_scored(
    engine: Engine,
    spec: ShotSpec,
    context: RenderContext,
    score: ScoreFunction,
    *,
    before_reroll: Callable[[], None] = lambda: None,
) -> RenderOutput:
    """The best of 1 + STORYREEL_FACE_REROLLS rolls; it ends with the first whose scores all reach their thresholds.

    The same spec gives the same rolls. `summary["identity"]` and the recipe tell seed and scores of every roll.
    """
    most = configured_rerolls()
    rolls: list[Roll] = []
    outputs: list[RenderOutput] = []
    while not rolls or again(rolls, most):
        number = len(rolls)
        if number:
            before_reroll()
        seed = roll_seed(spec.seed, number)
        folder = context.workdir / f"roll-{number}"
        folder.mkdir()
        rolling = _Rolling(context, folder, number)
        output = engine.render(msgspec.structs.replace(spec, seed=seed), rolling)
        main = next((file for file in output.files if file.role == "main"), None)
        scores = score(main, spec.characters) if main is not None else []
        rolls.append(Roll(number=number, seed=seed, scores=scores))
        outputs.append(output)
        context.check_cancelled()
    context.progress(rolling.steps, rolling.steps)
    place = kept(rolls)
    told = identity(rolls, place)
    best = outputs[place]
    return msgspec.structs.replace(
        best, summary={**best.summary, "identity": told}, recipe={**best.recipe, "identity": told}
    )


def identity(rolls: list[Roll], place: int) -> dict[str, Any]:
    """Plain JSON: seed, scores, every roll, whether all scores that could be told reach their thresholds (`reached`) and
    whether that shows the same persons (`same_person`, None unless every encoder was trained to tell people apart).
    """
    best = rolls[place]
    told = [score for score in best.scores if score.score is not None]
    return {
        "characters": [msgspec.to_builtins(score) for score in best.scores],
        "reached": not any(score.missed for score in told) if told else None,
        "same_person": _same_person(told),
        "seed": best.seed,
        "roll": best.number,
        "rolls": [
            {"seed": roll.seed, "scores": {score.character_id: score.score for score in roll.scores}} for roll in rolls
        ],
    }


def _same_person(told: list[Score]) -> bool | None:
    answers = [score.same_person for score in told]
    return None if not answers or None in answers else all(answers)


class _Rolling(RenderContext):
    """The context of one roll: a folder of its own, and a progress that never runs backwards over the rolls."""

    def __init__(self, outer: RenderContext, folder: Any, number: int) -> None:
        super().__init__(folder, outer.inputs)
        self._outer = outer
        self._number = number
        self.steps = 1

    def progress(self, step: int, steps: int, preview: bytes | None = None) -> None:
        """The first roll goes up to the last step but one, the others stay there: whether there is another is not known."""
        self.steps = steps
        self._outer.progress(min(step, steps - 1) if self._number == 0 else steps - 1, steps, preview)

    def check_cancelled(self) -> None:
        """Raise `RenderCancelledError` when the task was cancelled."""
        self._outer.check_cancelled()
