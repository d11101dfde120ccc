"""Neck, shoulders and what the protagonists wear."""

from __future__ import annotations

from infra.samples.figures import Look, Pose
from infra.samples.strokes import CX, line, path


def body(look: Look, pose: Pose) -> str:
    """Neck, shoulders and clothes."""
    yaw = pose.yaw
    nx = CX + 6 * yaw
    neck = path(
        f"M{nx - 62} 560 C{nx - 60} 660 {nx - 78} 706 {nx - 128} 740 "
        f"L{nx} 800 L{nx + 128} 740 C{nx + 78} 706 {nx + 60} 660 {nx + 62} 560Z",
        "url(#neck)",
    )
    shade = path(
        f"M{nx - 61} 590 Q{nx + 20 * yaw} 720 {nx + 61} 590 L{nx + 61} 560 H{nx - 61}Z", look.skin_deep, opacity=0.55
    )
    shoulders = (
        f"M{nx - 92} 708 C{nx - 190} 742 {CX - 296} 764 {CX - 326} 1030 H{CX + 326} "
        f"C{CX + 296} 764 {nx + 190} 742 {nx + 92} 708 "
        f"Q{nx} 800 {nx - 92} 708Z"
    )
    clothes = _robe if look.style == "robe" else _raincoat
    collar = ""
    if look.style == "robe":
        behind = f"M{nx - 84} 680 C{nx - 84} 620 {nx + 84} 620 {nx + 84} 680"
        collar = line(behind, look.trim, 52) + line(behind, look.cloth_dark, 40)
    return collar + neck + shade + clothes(look, nx, shoulders)


def _robe(look: Look, nx: float, shoulders: str) -> str:
    fold = line("M160 820 Q190 910 176 1024", look.cloth_dark, 6, 0.5) + line(
        "M612 820 Q580 910 596 1024", look.cloth_dark, 6, 0.5
    )
    skin = path(f"M{nx - 76} 738 L{nx} 850 L{nx + 76} 738Z", look.skin) + path(
        f"M{nx - 30} 770 Q{nx} 786 {nx + 30} 770 L{nx} 846Z", look.skin_shadow, opacity=0.4
    )
    right = f"M{nx + 84} 676 C{nx + 92} 730 {nx + 50} 800 {nx + 6} 876"
    left = f"M{nx - 84} 676 C{nx - 92} 730 {nx - 20} 850 {nx + 120} 1040"
    inner = line(f"M{nx + 72} 690 C{nx + 74} 730 {nx + 26} 810 {nx - 20} 860", look.inner, 30)
    inner += line(f"M{nx - 72} 690 C{nx - 74} 730 {nx - 26} 810 {nx + 20} 868", look.inner, 30)
    under = "".join(line(right, colour, width) for colour, width in ((look.trim, 52), (look.cloth_dark, 40)))
    over = "".join(
        line(left, colour, width) for colour, width in ((look.trim, 52), (look.cloth_dark, 40), (look.cloth, 5))
    )
    throat = skin + inner
    plum = "".join(
        f'<circle cx="{x + dx}" cy="{y + dy}" r="7" fill="{look.trim}" opacity=".75"/>'
        for x, y in ((206, 884), (574, 868), (250, 976))
        for dx, dy in ((0, -9), (9, -2), (6, 9), (-6, 9), (-9, -2))
    )
    return path(shoulders, "url(#cloth)") + fold + plum + throat + under + over


def _raincoat(look: Look, nx: float, shoulders: str) -> str:
    hood = path(
        f"M{nx - 150} 742 C{nx - 176} 650 {nx - 110} 640 {nx - 62} 690 Q{nx} 770 {nx + 62} 690 "
        f"C{nx + 110} 640 {nx + 176} 650 {nx + 150} 742 Q{nx} 860 {nx - 150} 742Z",
        look.cloth_dark,
    )
    sweater = path(f"M{nx - 70} 676 Q{nx} 730 {nx + 70} 676 L{nx + 78} 730 Q{nx} 846 {nx - 78} 730Z", look.inner)
    knit = line(f"M{nx - 66} 696 Q{nx} 752 {nx + 66} 696", "#3f5d80", 6) + line(
        f"M{nx - 66} 716 Q{nx} 774 {nx + 66} 716", "#3f5d80", 4, 0.7
    )
    left = path(
        f"M{nx - 84} 690 C{nx - 150} 700 {nx - 170} 740 {nx - 140} 800 "
        f"L{nx - 62} 858 L{nx} 800 Q{nx - 70} 750 {nx - 84} 690Z",
        look.cloth_light,
    )
    right = path(
        f"M{nx + 84} 690 C{nx + 150} 700 {nx + 170} 740 {nx + 140} 800 "
        f"L{nx + 62} 858 L{nx} 800 Q{nx + 70} 750 {nx + 84} 690Z",
        look.cloth,
    )
    edges = line(f"M{nx - 62} 858 L{nx} 800 L{nx + 62} 858", look.cloth_dark, 4) + line(
        f"M{nx + 4} 806 V1030", look.cloth_dark, 6
    )
    snaps = "".join(
        f'<circle cx="{nx - 24}" cy="{y}" r="11" fill="{look.trim}" stroke="{look.cloth_dark}" stroke-width="3"/>'
        for y in (884, 972)
    )
    seams = line("M168 830 Q204 920 190 1024", look.cloth_dark, 5, 0.5) + line(
        "M604 830 Q566 920 580 1024", look.cloth_dark, 5, 0.5
    )
    return hood + path(shoulders, "url(#cloth)") + seams + sweater + knit + left + right + edges + snaps
