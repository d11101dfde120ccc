"""SVG path elements; the portraits are drawn in a field of 768x1024 around x = 384."""

from __future__ import annotations

CX = 384.0


def path(d: str, fill: str = "none", **attributes: str | float) -> str:
    """A path element; underscores in attribute names become hyphens."""
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f'<path d="{d}" fill="{fill}"{extra}/>'


def line(d: str, colour: str, width: float, opacity: float = 1.0) -> str:
    """A round-ended stroke."""
    return path(
        d, stroke=colour, stroke_width=width, stroke_linecap="round", stroke_linejoin="round", stroke_opacity=opacity
    )
