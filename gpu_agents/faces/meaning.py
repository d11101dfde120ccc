"""What a score says and what it does not: likeness in the eyes of one encoder, never a proof of identity."""

from __future__ import annotations

from gpu_agents.faces.face import FaceEncoder


def same_person(encoder: FaceEncoder, *, reached: bool) -> bool | None:
    """The answer of an encoder that was trained to tell people apart; None from any other, whatever its score is."""
    return reached if encoder.trained else None


def note_on(encoder: FaceEncoder) -> str:
    """What people have to know of the encoder's scores."""
    if encoder.trained:
        return "the score tells how alike two faces look to a network; it is no proof of identity"
    seen = "pictures of faces" if encoder.detects else "the middles of two pictures, in which no face was looked for,"
    return (
        f"{encoder.name} was not trained to tell people apart: the score tells how alike {seen} look, "
        f"so whether they show the same person stays open"
    )
