"""A layer of vector drawing: collects SVG elements and turns them into pixels with resvg. No text, no filters, no files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import resvg_py
from PIL import Image

from gpu_agents.engines.sketch.colour import RGB, css

Point = tuple[float, float]
Stop = tuple[float, RGB, float]  # offset 0-1, colour, opacity 0-1
Pixels = npt.NDArray[np.uint8]


def _number(value: float) -> str:
    return f"{value:.1f}"


def line_path(points: Iterable[Point], closed: bool = True) -> str:
    """Path data of a polygon or a polyline."""
    body = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{body}{'Z' if closed else ''}"


def smooth_path(points: Sequence[Point], closed: bool = True) -> str:
    """Path data of a Catmull-Rom spline through the points, written as cubic Bezier segments (tangent / 6)."""
    count = len(points)
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for i in range(count if closed else count - 1):
        last = (i - 1) % count if closed else max(0, i - 1)
        after = (i + 2) % count if closed else min(count - 1, i + 2)
        (ax, ay), (bx, by) = points[last], points[i]
        (cx, cy), (dx, dy) = points[(i + 1) % count], points[after]
        control = (bx + (cx - ax) / 6, by + (cy - ay) / 6, cx - (dx - bx) / 6, cy - (dy - by) / 6)
        parts.append("C" + " ".join(_number(value) for value in (*control, cx, cy)))
    return "".join(parts) + ("Z" if closed else "")


class Canvas:
    """Elements of one transparent layer of `width` x `height` px; y grows downwards, later elements cover earlier ones."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._defs: list[str] = []
        self._body: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether nothing was drawn yet."""
        return not self._body

    def path(
        self, data: str, fill: RGB | str | None, opacity: float = 1.0, stroke: RGB | None = None, width: float = 0.0
    ) -> None:
        """Any path data; `fill` is a colour, a gradient made here or None."""
        attributes = f'fill="{_paint(fill)}"'
        if opacity < 1:
            attributes += f' opacity="{opacity:.3f}"'
        if stroke is not None:
            attributes += (
                f' stroke="{css(stroke)}" stroke-width="{width:.2f}" stroke-linecap="round" stroke-linejoin="round"'
            )
        self._body.append(f'<path d="{data}" {attributes}/>')

    def polygon(self, points: Iterable[Point], fill: RGB | str, opacity: float = 1.0) -> None:
        """A filled polygon."""
        self.path(line_path(points), fill, opacity)

    def blob(self, points: Sequence[Point], fill: RGB | str, opacity: float = 1.0) -> None:
        """A filled closed curve through the points."""
        self.path(smooth_path(points), fill, opacity)

    def stroke(
        self, points: Sequence[Point], colour: RGB, width: float, opacity: float = 1.0, smooth: bool = True
    ) -> None:
        """An open line with round ends."""
        data = smooth_path(points, closed=False) if smooth and len(points) > 2 else line_path(points, closed=False)
        self.path(data, None, opacity, stroke=colour, width=width)

    def rect(
        self, x: float, y: float, w: float, h: float, fill: RGB | str, opacity: float = 1.0, radius: float = 0.0
    ) -> None:
        """An upright rectangle, with round corners if asked."""
        extra = f' opacity="{opacity:.3f}"' if opacity < 1 else ""
        extra += f' rx="{radius:.1f}"' if radius else ""
        self._body.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0, w):.1f}" height="{max(0, h):.1f}" fill="{_paint(fill)}"{extra}/>'
        )

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: RGB | str, opacity: float = 1.0) -> None:
        """An upright ellipse around (x, y)."""
        extra = f' opacity="{opacity:.3f}"' if opacity < 1 else ""
        self._body.append(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{abs(rx):.1f}" ry="{abs(ry):.1f}" fill="{_paint(fill)}"{extra}/>'
        )

    def linear(self, start: Point, end: Point, stops: Sequence[Stop]) -> str:
        """A linear gradient in canvas coordinates, to be used as a fill."""
        where = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        return self._gradient("linearGradient", where, stops)

    def radial(self, x: float, y: float, radius: float, stops: Sequence[Stop]) -> str:
        """A radial gradient in canvas coordinates, to be used as a fill."""
        return self._gradient("radialGradient", f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"', stops)

    def glow(self, x: float, y: float, radius: float, colour: RGB, strength: float = 1.0) -> None:
        """A soft disc of light that fades to nothing at `radius`."""
        stops = [
            (0.0, colour, strength),
            (0.25, colour, strength * 0.45),
            (0.6, colour, strength * 0.1),
            (1.0, colour, 0.0),
        ]
        self.ellipse(x, y, radius, radius, self.radial(x, y, radius, stops))

    def _gradient(self, tag: str, where: str, stops: Sequence[Stop]) -> str:
        name = f"g{len(self._defs)}"
        inner = "".join(f'<stop offset="{o:.3f}" stop-color="{css(c)}" stop-opacity="{a:.3f}"/>' for o, c, a in stops)
        self._defs.append(f'<{tag} id="{name}" gradientUnits="userSpaceOnUse" {where}>{inner}</{tag}>')
        return f"url(#{name})"

    def document(self) -> str:
        """The layer as an SVG document."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><defs>{"".join(self._defs)}</defs>{"".join(self._body)}</svg>'

    def raster(self) -> Pixels:
        """Pixels (height, width, 4) uint8, RGBA with straight alpha."""
        png = bytes(resvg_py.svg_to_bytes(svg_string=self.document(), skip_system_fonts=True))
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGBA"))


def _paint(fill: RGB | str | None) -> str:
    if fill is None:
        return "none"
    return fill if isinstance(fill, str) else css(fill)
