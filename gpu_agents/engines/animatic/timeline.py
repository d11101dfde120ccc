"""Which shots are seen in which frame of a film. Pure.

Frame borders are rounded from the running sum of the durations, so the film is exactly as long as its shots together.
A transition takes its frames half from the end of one shot and half from the start of the next: in a crossfade or a wipe
the outgoing picture runs on past its border and the incoming one starts before it, while the film gets no longer.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from msgspec import Struct

from schemas.errors import RenderError
from schemas.specs import FilmSpec, Transition

TRANSITION_SECONDS = {"cut": 0.0, "fade": 0.9, "crossfade": 0.7, "wipe": 0.7}
CLOSING_FADE_SECONDS = 0.6  # of a last shot whose transition is "fade"


class Slot(Struct, frozen=True, kw_only=True):
    """One shot on the film's frame axis: seen from `start` to before `end`; its transition into the next shot covers
    `half` frames on either side of `end`; its picture is needed from `first` to before `last`.
    """

    index: int
    start: int
    end: int
    half: int
    transition: Transition
    first: int
    last: int


class View(Struct, frozen=True):
    """What one frame shows: slot `index`, or a mix of `index` and `other` where `amount` (0..1) belongs to `other`.

    In a fade `other` is black (None).
    """

    index: int
    kind: Transition = "cut"
    other: int | None = None
    amount: float = 0.0


def plan_slots(spec: FilmSpec) -> list[Slot]:
    """Place the shots on the frame axis.

    Raises `RenderError` when there are no shots or a shot is shorter than one frame.
    """
    if not spec.shots:
        raise RenderError("shots: a film needs at least one shot")
    borders = [0, *(round(total * spec.fps) for total in accumulate(shot.duration for shot in spec.shots))]
    lengths = [end - start for start, end in pairwise(borders)]
    for shot, length in zip(spec.shots, lengths, strict=True):
        if length < 1:
            raise RenderError(f"shots: {shot.shot_id} lasts {shot.duration} s, which is less than one frame")
    halves = [_half(spec, lengths, index) for index in range(len(lengths))]
    return [_slot(spec, borders, halves, index) for index in range(len(lengths))]


def view_at(slots: list[Slot], index: int, frame: int) -> View:
    """What `frame` shows, given that it lies in slot `index`."""
    slot = slots[index]
    if slot.half and frame >= slot.end - slot.half:
        return _transition(slots, index, frame)
    if index and slots[index - 1].half and frame < slot.start + slots[index - 1].half:
        return _transition(slots, index - 1, frame)
    return View(index)


def _transition(slots: list[Slot], index: int, frame: int) -> View:
    slot = slots[index]
    closing = index + 1 == len(slots)
    span = slot.half if closing else 2 * slot.half
    amount = _smooth((frame - (slot.end - slot.half) + 0.5) / span)
    if slot.transition == "fade":
        if closing:
            return View(index, "fade", None, amount)
        visible = index if frame < slot.end else index + 1
        return View(visible, "fade", None, 2 * min(amount, 1 - amount))
    return View(index, slot.transition, index + 1, amount)


def _half(spec: FilmSpec, lengths: list[int], index: int) -> int:
    kind = spec.shots[index].transition
    if index + 1 == len(lengths):
        return min(round(CLOSING_FADE_SECONDS * spec.fps), lengths[index] // 3) if kind == "fade" else 0
    wanted = round(TRANSITION_SECONDS[kind] * spec.fps / 2)
    return min(wanted, lengths[index] // 3, lengths[index + 1] // 3)


def _slot(spec: FilmSpec, borders: list[int], halves: list[int], index: int) -> Slot:
    def overlap(border: int) -> int:
        inside = 0 <= border < len(halves) - 1
        return halves[border] if inside and spec.shots[border].transition in ("crossfade", "wipe") else 0

    return Slot(
        index=index,
        start=borders[index],
        end=borders[index + 1],
        half=halves[index],
        transition=spec.shots[index].transition,
        first=borders[index] - overlap(index - 1),
        last=borders[index + 1] + overlap(index),
    )


def _smooth(share: float) -> float:
    return share * share * (3.0 - 2.0 * share)
