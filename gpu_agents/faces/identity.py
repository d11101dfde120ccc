"""Whether a picture shows the characters it was to show, and whether to draw it again. Pure.

Each character that has a vector is given the face of the picture that suits it best, no face twice. A roll is good enough
when every score reaches the threshold. After the last roll the best one is kept, whatever its scores.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import permutations

from msgspec import Struct

from schemas.errors import ConfigurationError

REROLLS = "STORYREEL_FACE_REROLLS"
DEFAULT_REROLLS = 2
MOST_REROLLS = 10
SEEDS = 2**32  # as many as the API takes
_STRIDE = 0x9E3779B1  # odd, so that the seeds of the rolls differ (Knuth, TAOCP vol. 3, 6.4)
_FEW = 6  # faces and characters up to which every way of giving them is tried


class Score(Struct, frozen=True, kw_only=True):
    """One character in one picture. `score` is None where it could not be told, with the `reason`.

    `same_person` is None as well where the encoder was not trained to tell people apart; `note` says what the score means.
    """

    character_id: str
    score: float | None
    threshold: float = 0.0
    encoder: str = ""
    same_person: bool | None = None
    note: str = ""
    reason: str = ""

    @property
    def missed(self) -> bool:
        """Whether it was told, and lies below the threshold."""
        return self.score is not None and self.score < self.threshold


class Roll(Struct, frozen=True, kw_only=True):
    """One picture of a shot: its seed and the scores of its characters."""

    number: int
    seed: int
    scores: list[Score]

    @property
    def worth(self) -> float:
        """The least distance of a score above its threshold; 0 when nothing could be told."""
        told = [score.score - score.threshold for score in self.scores if score.score is not None]
        return min(told, default=0.0)


def roll_seed(seed: int, number: int) -> int:
    """The seed of roll `number`; roll 0 is the shot's own."""
    return (seed + number * _STRIDE) % SEEDS if number else seed


def again(rolls: Sequence[Roll], most: int) -> bool:
    """Whether the shot is drawn once more after these rolls; `most` re-rolls are allowed."""
    return len(rolls) <= most and any(score.missed for score in rolls[-1].scores)


def kept(rolls: Sequence[Roll]) -> int:
    """Place of the roll that is delivered: the best one, of equal ones the first."""
    return max(range(len(rolls)), key=lambda place: (rolls[place].worth, -place))


def assigned(table: Sequence[Sequence[float]], faces: int) -> list[int | None]:
    """For each character (row of cosines by face) the place of its face, so that the sum is greatest; None = too few faces."""
    wanted = len(table)
    if wanted > _FEW or faces > _FEW:
        return _one_by_one(table, faces)
    places: list[int | None] = [*range(faces), *[None] * max(0, wanted - faces)]

    def total(choice: Sequence[int | None]) -> float:
        return sum(-1.0 if face is None else table[row][face] for row, face in enumerate(choice))

    choices: list[list[int | None]] = [list(choice) for choice in permutations(places, wanted)]
    return max(choices, key=total)


def _one_by_one(table: Sequence[Sequence[float]], faces: int) -> list[int | None]:
    result: list[int | None] = [None] * len(table)
    pairs = sorted(((table[row][face], row, face) for row in range(len(table)) for face in range(faces)), reverse=True)
    for _, row, face in pairs:
        if result[row] is None and face not in result:
            result[row] = face
    return result


def rerolls(environ: Mapping[str, str]) -> int:
    """How often a shot may be drawn again. Raises `ConfigurationError` naming the variable and the rule."""
    text = environ.get(REROLLS, str(DEFAULT_REROLLS))
    if not text.isascii() or not text.isdigit() or int(text) > MOST_REROLLS:
        raise ConfigurationError(f"{REROLLS}: must be a whole number from 0 to {MOST_REROLLS}, got {text!r}")
    return int(text)


def configured_rerolls() -> int:
    """`rerolls` of this process."""
    return rerolls(os.environ)
