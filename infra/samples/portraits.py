"""Reference pictures of the two protagonists of the sample scripts, drawn as vector portraits and rendered to PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import resvg_py

from infra.samples.clothes import body
from infra.samples.features import brows_and_eyes, face, nose_and_mouth
from infra.samples.figures import POSES, PROTAGONISTS, Look, Pose
from infra.samples.hair import hair_back, hair_front

WIDTH: Final = 768
HEIGHT: Final = 1024


def draw(name: str, out_dir: Path) -> list[Path]:
    """Write the four pictures of `name` ("lin_xia" or "mara") as PNG, 768x1024, into `out_dir` (made if missing).

    Front, three-quarter, smiling, in evening light; the same call writes the same bytes. Raises `ValueError` for other names.
    """
    if name not in PROTAGONISTS:
        raise ValueError(f"name: one of {', '.join(PROTAGONISTS)}, got {name!r}")
    out_dir.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, pose in enumerate(POSES, start=1):
        path = out_dir / f"{name}_{number}.png"
        path.write_bytes(
            bytes(resvg_py.svg_to_bytes(svg_string=portrait(PROTAGONISTS[name], pose), skip_system_fonts=True))
        )
        paths.append(path)
    return paths


def portrait(look: Look, pose: Pose) -> str:
    """The picture as SVG: one plain background colour to cut out cleanly, the figure, and the light laid over the figure only."""
    figure = "".join(
        (
            hair_back(look, pose),
            body(look, pose),
            face(look, pose),
            brows_and_eyes(look, pose),
            nose_and_mouth(look, pose),
            hair_front(look, pose),
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"<defs>{_gradients(look, pose)}</defs>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{pose.background}"/>'
        f'<g id="figure">{figure}</g>'
        f'<mask id="whole" style="mask-type:alpha" maskUnits="userSpaceOnUse" x="0" y="0" width="{WIDTH}" height="{HEIGHT}">'
        f'<use href="#figure"/></mask>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#light)" mask="url(#whole)" style="mix-blend-mode:soft-light"/>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#shade)" mask="url(#whole)" style="mix-blend-mode:multiply"/>'
        "</svg>"
    )


def _gradients(look: Look, pose: Pose) -> str:
    dark, bright = 1 - pose.light_from, pose.light_from
    strength = pose.strength
    skin = ((0, look.skin_light, 1), (0.62, look.skin, 1), (1, look.skin_shadow, 1))
    hair = ((0, look.hair_light, 1), (0.55, look.hair, 1), (1, look.hair_dark, 1))
    cloth = ((0, look.cloth_light, 1), (0.55, look.cloth, 1), (1, look.cloth_dark, 1))
    shades = (
        _gradient("radial", "skin", f'cx="{0.46 - 0.08 * pose.yaw}" cy=".42" r=".72"', *skin),
        _gradient("linear", "neck", 'x1="0" y1="0" x2="0" y2="1"', (0, look.skin_deep, 1), (0.75, look.skin, 1)),
        _gradient("radial", "hair", 'cx=".4" cy=".2" r=".95"', *hair),
        _gradient("linear", "cloth", 'x1="0" y1="0" x2=".35" y2="1"', *cloth),
        _gradient("radial", "iris", 'cx=".5" cy=".68" r=".62"', (0, look.iris_light, 1), (1, look.iris, 1)),
        _gradient("radial", "blush", "", (0, look.blush, 0.36), (1, look.blush, 0)),
        _gradient(
            "linear",
            "light",
            f'x1="{bright}" y1="0" x2="{dark}" y2=".55"',
            (0, pose.light, strength),
            (0.7, pose.light, 0),
        ),
        _gradient(
            "linear",
            "shade",
            f'x1="{dark}" y1=".25" x2="{bright}" y2=".1"',
            (0, pose.shade, strength * 0.62),
            (0.72, pose.shade, 0),
        ),
    )
    return "".join(shades)


def _gradient(kind: str, name: str, shape: str, *stops: tuple[float, str, float]) -> str:
    """A gradient from stops (offset 0-1, colour, opacity 0-1)."""
    inner = "".join(
        f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{opacity}"/>' for at, colour, opacity in stops
    )
    return f'<{kind}Gradient id="{name}" {shape}>{inner}</{kind}Gradient>'
