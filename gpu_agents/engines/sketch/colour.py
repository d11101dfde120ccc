"""Small colour arithmetic on sRGB triples (0-1 each). Gamma is ignored on purpose: painters mix display colours."""

from __future__ import annotations

RGB = tuple[float, float, float]


def rgb(text: str) -> RGB:
    """`#rrggbb` to a triple."""
    return int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255


def css(colour: RGB) -> str:
    """A triple to `#rrggbb`, clipped to the gamut."""
    red, green, blue = (round(255 * min(1.0, max(0.0, part))) for part in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


def mix(first: RGB, second: RGB, amount: float) -> RGB:
    """`first` at 0, `second` at 1."""
    return (
        first[0] + (second[0] - first[0]) * amount,
        first[1] + (second[1] - first[1]) * amount,
        first[2] + (second[2] - first[2]) * amount,
    )


def times(colour: RGB, factor: RGB | float) -> RGB:
    """Product with a light colour or a brightness."""
    if isinstance(factor, tuple):
        return colour[0] * factor[0], colour[1] * factor[1], colour[2] * factor[2]
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def luma(colour: RGB) -> float:
    """Brightness as the eye weighs it (Rec. 709 coefficients)."""
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def saturate(colour: RGB, amount: float) -> RGB:
    """0 = grey of the same brightness, 1 = unchanged, above = more vivid."""
    grey = luma(colour)
    return mix((grey, grey, grey), colour, amount)
