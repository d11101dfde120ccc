"""What the protagonists look like (colours, hair, clothes) and the four ways each is shown."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Look(Struct, frozen=True, kw_only=True):
    """A person's colours and shapes, the same in every picture."""

    style: Literal["robe", "raincoat"]
    skin: str
    skin_light: str
    skin_shadow: str
    skin_deep: str
    blush: str
    lips: str
    hair: str
    hair_light: str
    hair_dark: str
    iris: str
    iris_light: str
    brow: str
    cloth: str
    cloth_light: str
    cloth_dark: str
    trim: str
    inner: str
    freckles: bool = False


class Pose(Struct, frozen=True, kw_only=True):
    """`yaw` -1..1 (turned to the viewer's left or right), `smile` 0..1, the light's side (0 left, 1 right) and strength 0..1."""

    yaw: float = 0.0
    smile: float = 0.15
    brow_lift: float = 0.0
    gaze: float = 0.0
    light: str = "#fff6e6"
    shade: str = "#8f86b8"
    light_from: float = 0.0
    strength: float = 0.35
    background: str = "#bdd6dc"


POSES: tuple[Pose, ...] = (
    Pose(),
    Pose(yaw=0.8, gaze=0.4, smile=0.1, background="#c3d9c6"),
    Pose(yaw=-0.15, smile=1.0, brow_lift=0.7, background="#cdd3ea"),
    Pose(
        yaw=-0.45,
        smile=0.05,
        gaze=-0.3,
        brow_lift=0.2,
        light="#ffb45e",
        shade="#3b4480",
        light_from=0.0,
        strength=0.85,
        background="#8fa9cf",
    ),
)

PROTAGONISTS: dict[str, Look] = {
    "lin_xia": Look(
        style="robe",
        skin="#f5d3bd",
        skin_light="#fde6d6",
        skin_shadow="#e3b299",
        skin_deep="#d79f86",
        blush="#ee8f83",
        lips="#c4524f",
        hair="#201c26",
        hair_light="#4a4356",
        hair_dark="#0f0d14",
        iris="#3a2318",
        iris_light="#8a5a3a",
        brow="#2a2228",
        cloth="#b3202c",
        cloth_light="#d8404a",
        cloth_dark="#7d0f1d",
        trim="#e3b45c",
        inner="#fbf3e6",
    ),
    "mara": Look(
        style="raincoat",
        skin="#f6d5c6",
        skin_light="#fee9df",
        skin_shadow="#e4b2a0",
        skin_deep="#d79b88",
        blush="#f08c7c",
        lips="#c96660",
        hair="#b4552a",
        hair_light="#e08a4b",
        hair_dark="#7a3216",
        iris="#2f6b5c",
        iris_light="#7fc0a0",
        brow="#8c4423",
        cloth="#f0b81f",
        cloth_light="#ffd95a",
        cloth_dark="#c98a0c",
        trim="#fff0b8",
        inner="#27405f",
        freckles=True,
    ),
}
