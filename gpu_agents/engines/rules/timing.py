"""How long shots last. All in ticks of 1/24 s, so that sums and frame counts are exact."""

from __future__ import annotations

from msgspec import Struct

from gpu_agents.engines.rules.language import speech_seconds
from gpu_agents.engines.rules.shots import Beat
from gpu_agents.engines.rules.vocabulary import FAST, MOODS

TICKS_PER_SECOND = 24
PAUSE_SECONDS = 0.8
NATURAL = (2.0, 9.0)  # s a shot when nobody asks for a length
SILENT_MAX = 6.0
SCALED = (36, 288)  # ticks: 1.5-12 s a shot when scaled
TEMPO = 0.85  # speech may be asked to fit this part of its natural time
MAX_SHOTS = 200


class Plan(Struct, frozen=True):
    """Which beats are kept (indexes in order) and their ticks; `goal` is 0 when no length had to be met."""

    kept: list[int]
    ticks: list[int]
    goal: int


def natural_ticks(beat: Beat) -> int:
    """Reading time of what is said (or, for a silent shot, of what is seen) + 0.8 s, within 2-9 s."""
    seconds = speech_seconds(beat.spoken or beat.source) + PAUSE_SECONDS
    if not beat.spoken:
        seconds = min(seconds, SILENT_MAX) * (0.8 if FAST.first(beat.source) else 1.0)
    return round(min(max(seconds, NATURAL[0]), NATURAL[1]) * TICKS_PER_SECOND)


def plan(beats: list[Beat], target: float, maximum: float) -> Plan:
    """Choose and scale shots: the sum is `target` s (where shots of 1.5-12 s allow it) and never above `maximum` s.

    Without a target shots keep their natural length as long as they fit. The least important shots are dropped first.
    """
    limit = int(maximum * TICKS_PER_SECOND + 1e-6)
    ticks = [natural_ticks(beat) for beat in beats]
    if target <= 0 and sum(ticks) <= limit and len(beats) <= MAX_SHOTS:
        return Plan(list(range(len(beats))), _below(ticks, maximum), 0)
    goal = min(round(target * TICKS_PER_SECOND), limit) if target > 0 else limit
    kept = _select(beats, [_least(beat) for beat in beats], goal)
    chosen = [ticks[index] for index in kept]
    if target <= 0:
        goal = min(goal, sum(chosen))
    least = [_least(beats[index]) for index in kept]
    return Plan(kept, _below(scale(chosen, least, goal), maximum), goal)


def scale(ticks: list[int], least: list[int], goal: int) -> list[int]:
    """`ticks` times one factor, each within `least`..12 s, with the sum `goal` where that is possible.

    The factor is found by bisection (the clamped sum grows with it); the ticks left by rounding go to the longest shots.
    """
    if len(ticks) == 1:
        return [min(goal, SCALED[1])]
    low, high = 0.0, float(SCALED[1])
    for _ in range(60):
        middle = (low + high) / 2
        total = sum(_clamp(tick * middle, floor) for tick, floor in zip(ticks, least, strict=True))
        low, high = (middle, high) if total <= goal else (low, middle)
    result = [_clamp(tick * low, floor) for tick, floor in zip(ticks, least, strict=True)]
    rest = goal - sum(result)
    for index in sorted(range(len(result)), key=lambda i: -ticks[i]):
        step = min(max(rest, 0), SCALED[1] - result[index])
        step = min(step, 1 + max(rest, 0) // len(result))
        result[index] += step
        rest -= step
    return result


def importance(beat: Beat, opening: bool) -> float:
    """What is lost without the shot: words that are spoken by people, the opening of a scene, feeling, length."""
    value = 3.0 if beat.kind == "speech" else 0.0
    value += 2.0 if opening else 0.0
    value += 1.0 if MOODS.first(beat.source) else 0.0
    return value + min(speech_seconds(beat.source) / 10, 0.9)


def _least(beat: Beat) -> int:
    return min(max(SCALED[0], round(speech_seconds(beat.spoken) * TEMPO * TICKS_PER_SECOND)), SCALED[1])


def _select(beats: list[Beat], least: list[int], goal: int) -> list[int]:
    """Indexes that fit into `goal`: the important ones first, the first and the last beat always wanted, spread evenly."""
    count = len(beats)
    openings = [index == 0 or beats[index - 1].scene != beats[index].scene for index in range(count)]

    def rank(index: int) -> tuple[float, float]:
        ends = 10.0 if index in (0, count - 1) else 0.0
        return -(ends + round(importance(beats[index], openings[index]))), _spread(index)

    total = 0
    kept: list[int] = []
    for index in sorted(range(count), key=rank):
        if len(kept) == MAX_SHOTS:
            break
        if total + least[index] <= goal or not kept:
            kept.append(index)
            total += least[index]
    return sorted(kept)


def _spread(index: int) -> float:
    """Radical inverse in base 2 (van der Corput): taking indexes in this order samples a script evenly."""
    value, digit = 0.0, 0.5
    while index:
        value, index, digit = value + digit * (index & 1), index >> 1, digit / 2
    return value


def _clamp(value: float, floor: int) -> int:
    return min(max(int(value), floor), SCALED[1])


def _below(ticks: list[int], maximum: float) -> list[int]:
    """Ticks whose sum in floating-point seconds is not above `maximum` by a rounding error either."""
    result = list(ticks)
    while sum(tick / TICKS_PER_SECOND for tick in result) > maximum:
        result[result.index(max(result))] -= 1
    return result
