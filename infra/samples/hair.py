"""The hair behind and in front of the face."""

from __future__ import annotations

from infra.samples.figures import Look, Pose
from infra.samples.strokes import CX, line, path


def hair_back(look: Look, pose: Pose) -> str:
    """What is seen behind the head: the bun with its pin, or long waves."""
    yaw, back = pose.yaw, CX - 16 * pose.yaw
    if look.style == "robe":
        pin = (
            line(f"M{back - 132} 196 L{back + 128} 158", look.trim, 9)
            + f'<circle cx="{back + 132}" cy="157" r="15" fill="#c9303a"/>'
        )
        pin += (
            line(f"M{back + 132} 172 V214", look.trim, 3) + f'<circle cx="{back + 132}" cy="222" r="7" fill="#2f8f78"/>'
        )
        bun = f'<ellipse cx="{back}" cy="178" rx="92" ry="76" fill="url(#hair)"/>'
        coil = line(f"M{back - 66} 190 Q{back - 20} 118 {back + 58} 156", look.hair_light, 5, 0.6) + line(
            f"M{back - 44} 214 Q{back + 6} 150 {back + 74} 190", look.hair_light, 4, 0.5
        )
        skull = path(
            f"M{back - 146} 470 C{back - 176} 300 {back - 110} 214 {back} 214 "
            f"C{back + 110} 214 {back + 176} 300 {back + 146} 470 Q{back} 560 {back - 146} 470Z",
            "url(#hair)",
        )
        return pin + bun + coil + skull
    waves = (
        f"M{back} 204 C{back - 140} 200 {back - 190} 300 {back - 178} 430 "
        f"C{back - 172} 500 {back - 214} 560 {back - 192} 640 "
        f"C{back - 186} 690 {back - 226} 720 {back - 176} 770 C{back - 110} 800 {back - 60} 720 {back} 720 "
        f"C{back + 60} 720 {back + 110} 800 {back + 176} 770 C{back + 226} 720 {back + 186} 690 {back + 192} 640 "
        f"C{back + 214} 560 {back + 172} 500 {back + 178} 430 C{back + 190} 300 {back + 140} 200 {back} 204Z"
    )
    return path(waves, "url(#hair)") + path(
        f"M{CX - 110 + 6 * yaw} 520 Q{CX} 760 {CX + 110 + 6 * yaw} 520Z", look.hair_dark, opacity=0.7
    )


def hair_front(look: Look, pose: Pose) -> str:
    """Hair over the forehead and beside the face."""
    return _parted(look, pose) if look.style == "robe" else _waves(look, pose)


def _parted(look: Look, pose: Pose) -> str:
    yaw = pose.yaw
    left, right, part = CX - 134 + 8 * yaw, CX + 134 + 8 * yaw, CX + 22 * yaw
    fringe = path(
        f"M{part} 226 C{CX - 110} 216 {left - 18} 300 {left - 6} 440 "
        f"C{left + 12} 420 {left + 20} 380 {left + 34} 356 "
        f"C{part - 84} 330 {part - 30} 306 {part} 276 C{part + 30} 306 {part + 84} 330 {right - 34} 356 "
        f"C{right - 20} 380 {right - 12} 420 {right + 6} 440 C{right + 18} 300 {CX + 110} 216 {part} 226Z",
        "url(#hair)",
    )
    shine = line(f"M{CX - 96} 300 Q{CX - 60} 254 {part - 16} 244", look.hair_light, 6, 0.7) + line(
        f"M{part + 20} 246 Q{CX + 66} 258 {CX + 98} 306", look.hair_light, 5, 0.5
    )
    locks = path(
        f"M{left + 14} 352 C{left - 14} 480 {left + 14} 540 {left - 2} 640 "
        f"C{left + 26} 560 {left + 10} 480 {left + 14} 352Z",
        look.hair,
    )
    locks += path(
        f"M{right - 14} 352 C{right + 14} 480 {right - 14} 540 {right + 2} 640 "
        f"C{right - 26} 560 {right - 10} 480 {right - 14} 352Z",
        look.hair,
    )
    return fringe + shine + locks


def _waves(look: Look, pose: Pose) -> str:
    yaw = pose.yaw
    left, right, part = CX - 134 + 8 * yaw, CX + 134 + 8 * yaw, CX + 46 + 18 * yaw
    sweep = path(
        f"M{part} 222 C{CX - 90} 196 {left - 40} 280 {left - 30} 420 "
        f"C{left - 26} 490 {left - 60} 540 {left - 34} 640 "
        f"C{left - 10} 600 {left + 12} 560 {left + 2} 500 C{left - 2} 450 {left + 12} 410 {left + 40} 380 "
        f"C{CX - 50} 352 {part - 30} 320 {part} 262 "
        f"C{part + 16} 320 {right - 40} 340 {right - 18} 400 C{right + 4} 450 {right - 10} 520 {right - 4} 560 "
        f"C{right + 6} 600 {right + 22} 620 {right + 34} 640 C{right + 60} 540 {right + 26} 490 {right + 30} 420 "
        f"C{right + 40} 290 {CX + 100} 208 {part} 222Z",
        "url(#hair)",
    )
    strands = "".join(
        line(d, colour, width, 0.6)
        for d, colour, width in (
            (f"M{part - 14} 236 C{CX - 70} 240 {left + 6} 300 {left - 6} 400", look.hair_light, 6),
            (f"M{part - 10} 256 C{CX - 50} 290 {left + 40} 320 {left + 16} 386", look.hair_light, 4),
            (f"M{part + 16} 240 C{CX + 120} 264 {right + 10} 330 {right + 8} 420", look.hair_light, 5),
            (f"M{left - 18} 470 C{left - 22} 520 {left - 40} 560 {left - 24} 620", look.hair_dark, 4),
            (f"M{right + 16} 470 C{right + 20} 520 {right + 40} 560 {right + 24} 620", look.hair_dark, 4),
        )
    )
    return sweep + strands
