"""How a pipeline is put on a device: precision and offloading by the memory there is. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Offload = Literal["none", "model", "sequential"]
Precision = Literal["float32", "float16", "bfloat16"]
HEADROOM = 0.9  # of the device's memory may be weights and activations; the rest belongs to the driver
HALF_FAMILIES = {"sd15", "sd21", "sdxl", "svd", "animatediff"}  # trained in float16; later ones in bfloat16


class Placement(Struct, frozen=True, kw_only=True):
    """`offload` "none": all on the device; "model": one component at a time; "sequential": one layer at a time."""

    precision: Precision
    offload: Offload


def place_model(
    device: str, device_bytes: int, need: int, family: str, dtype: str = "auto", *, has_bfloat16: bool = True
) -> Placement:
    """Precision and offloading for a model that takes `need` bytes on a device of `device_bytes`.

    A processor computes in float32 and offloads nothing, since there is nowhere to go. A model up to twice the device's
    size runs a component at a time; a larger one a layer at a time.
    """
    precision = _precision(device, family, dtype, has_bfloat16=has_bfloat16)
    room = device_bytes * HEADROOM
    if device == "cpu" or need <= room:
        return Placement(precision=precision, offload="none")
    return Placement(precision=precision, offload="model" if need <= 2 * room else "sequential")


def _precision(device: str, family: str, dtype: str, *, has_bfloat16: bool) -> Precision:
    match dtype:
        case "float32" | "float16" | "bfloat16":
            return dtype
        case _ if device == "cpu":
            return "float32"
        case _:
            return "float16" if family in HALF_FAMILIES or not has_bfloat16 else "bfloat16"
