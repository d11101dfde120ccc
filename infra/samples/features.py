"""The face: its outline, cheeks, ears, eyes, nose and mouth."""

from __future__ import annotations

from infra.samples.figures import Look, Pose
from infra.samples.strokes import CX, line, path


def outline(yaw: float) -> str:
    """Forehead, cheeks and chin; the chin moves with the turn of the head."""
    chin, left, right = CX + 24 * yaw, CX - 126 + 8 * yaw, CX + 126 + 8 * yaw
    return (
        f"M{left} 420 C{left + 2} 492 {CX - 104 + 18 * yaw} 560 {chin - 44} 616 Q{chin} 652 {chin + 44} 616 "
        f"C{CX + 104 + 14 * yaw} 560 {right - 2} 492 {right} 420 "
        f"C{right} 300 {CX + 86} 252 {CX} 252 C{CX - 86} 252 {left} 300 {left} 420Z"
    )


def face(look: Look, pose: Pose) -> str:
    """Ears, the face itself, its shadow under the hair, cheeks and freckles."""
    yaw, fx = pose.yaw, CX + 36 * pose.yaw
    parts: list[str] = []
    for side in (-1, 1):
        if side * yaw < 0.3:
            x = CX + side * 128 + 6 * yaw
            parts.append(f'<ellipse cx="{x}" cy="448" rx="20" ry="36" fill="{look.skin_shadow}"/>')
            parts.append(line(f"M{x + side * 6} 430 Q{x - side * 8} 440 {x} 466", look.skin_deep, 4, 0.6))
            if look.style == "robe":
                parts.append(
                    line(f"M{x + side * 4} 482 V506", look.trim, 4)
                    + f'<circle cx="{x + side * 4}" cy="514" r="9" fill="#2f8f78"/>'
                )
    parts.append(path(outline(yaw), "url(#skin)"))
    cheeks = (fx + side * 74 * (1 - 0.2 * max(0, side * yaw)) for side in (-1, 1))
    parts += [f'<ellipse cx="{x}" cy="510" rx="46" ry="32" fill="url(#blush)"/>' for x in cheeks]
    if look.freckles:
        spots = ((-86, 492), (-70, 502), (-56, 490), (-64, 514), (-44, 506), (-24, 496), (-80, 512), (-8, 486))
        for side in (-1, 1):
            shrink = 1 - 0.2 * max(0.0, side * yaw)
            centres = ((fx + side * -x * shrink, y + (4 if side > 0 else 0)) for x, y in spots)
            parts += [f'<circle cx="{x}" cy="{y}" r="2.6" fill="{look.brow}" opacity=".38"/>' for x, y in centres]
    return "".join(parts)


def brows_and_eyes(look: Look, pose: Pose) -> str:
    """Both eyes with brows; the far one is narrower in a turned head."""
    return "".join(_eye(look, pose, side) for side in (-1, 1))


def _eye(look: Look, pose: Pose, side: int) -> str:
    narrow = 1 - 0.2 * max(0.0, side * pose.yaw)
    x, y, w = CX + 36 * pose.yaw + side * 61 * narrow, 436.0, 33 * narrow
    lift, squint = 9 * pose.brow_lift, 5 * pose.smile
    inner, outer = x - side * w, x + side * w
    top, bottom = y - 25 + squint * 0.6, y + 15 - squint
    lid = (
        f"M{inner} {y + 5} Q{x - side * 8} {top} {x + side * 10} {top + 3} Q{outer - side * 4} {y - 14} {outer} {y - 3}"
    )
    white = (
        f"{lid} Q{x + side * 10} {bottom} {x - side * 6} {bottom} Q{inner + side * 12} {bottom - 1} {inner} {y + 5}Z"
    )
    clip = f"eye{'L' if side < 0 else 'R'}"
    ix = x + 8 * pose.gaze
    iris = (
        f'<clipPath id="{clip}"><path d="{white}"/></clipPath>{path(white, "#fffaf6")}<g clip-path="url(#{clip})">'
        f'<circle cx="{ix}" cy="{y - 4}" r="19" fill="{look.iris}"/><circle cx="{ix}" cy="{y - 4}" r="16.5" fill="url(#iris)"/>'
        f'<circle cx="{ix}" cy="{y - 4}" r="8.5" fill="#120c0c"/><circle cx="{ix - 6}" cy="{y - 11}" r="5" fill="#fff"/>'
        f'<circle cx="{ix + 7}" cy="{y + 4}" r="2.4" fill="#fff" opacity=".8"/>'
        f"{line(lid, '#5a3a3a', 12, 0.22)}</g>"
    )
    lashes = line(lid, "#2a1a1c", 5.2) + line(f"M{outer - side * 3} {y - 5} L{outer + side * 6} {y - 10}", "#2a1a1c", 4)
    lower = line(
        f"M{outer - side * 5} {y + 4} Q{x + side * 8} {bottom + 2} {x - side * 8} {bottom + 1}", look.skin_deep, 2.6
    )
    crease = line(f"M{inner + side * 8} {y - 15} Q{x} {top - 10} {outer} {y - 17}", look.skin_deep, 2.6, 0.8)
    by = 392 - lift
    brow = path(
        f"M{x - side * 36 * narrow} {by + 3} Q{x + side * 6} {by - 15} {x + side * 47 * narrow} {by + 8} "
        f"Q{x + side * 6} {by - 4} {x - side * 36 * narrow} {by + 13} "
        f"Q{x - side * 40 * narrow} {by + 8} {x - side * 36 * narrow} {by + 3}Z",
        look.brow,
        opacity=0.88,
    )
    return iris + lashes + lower + crease + brow


def nose_and_mouth(look: Look, pose: Pose) -> str:
    """A soft nose and lips that part in a smile."""
    fx, yaw, smile = CX + 38 * pose.yaw, pose.yaw, pose.smile
    nx = fx + 8 * yaw
    bridge = line(f"M{fx + 9 + 8 * yaw} 450 Q{nx + 10} 486 {nx + 17} 506", look.skin_deep, 3, 0.35 + 0.25 * abs(yaw))
    nose = (
        bridge
        + line(
            f"M{nx - 17} 513 Q{nx - 13} 519 {nx - 8} 516 M{nx - 7} 518 "
            f"Q{nx} 523 {nx + 7} 518 M{nx + 8} 516 Q{nx + 13} 519 {nx + 17} 513",
            look.skin_deep,
            3.6,
            0.9,
        )
        + f'<ellipse cx="{nx - 3}" cy="496" rx="6" ry="12" fill="#fff" opacity=".35"/>'
    )
    mx, my, w = fx + 2 * yaw, 562.0, 36 + 13 * smile
    left, right, corner = mx - w, mx + w * (1 - 0.12 * yaw), my - 9 * smile
    open_ = 15 * max(0.0, smile - 0.4)
    upper = f"M{left} {corner} Q{mx - 14} {my - 13} {mx} {my - 8} Q{mx + 14} {my - 13} {right} {corner}"
    teeth = path(
        f"M{left + 5} {corner + 1} Q{mx} {my + 8 + open_} {right - 5} {corner + 1} "
        f"Q{mx} {my - 2} {left + 5} {corner + 1}Z",
        "#fffaf5",
    )
    lips = (
        path(f"{upper} Q{mx} {my + 26 + 10 * smile} {left} {corner}Z", look.lips)
        + (teeth if open_ else "")
        + line(f"M{left} {corner} Q{mx} {my + 4 + 4 * smile} {right} {corner}", "#7d2f33", 3, 0 if open_ else 0.9)
        + f'<ellipse cx="{mx}" cy="{my + 11 + 9 * smile}" rx="14" ry="3.4" fill="#fff" opacity=".32"/>'
    )
    dimples = line(
        f"M{left - 8} {corner - 8} Q{left - 13} {corner} {left - 8} {corner + 8}", look.skin_deep, 3, 0.7 * smile
    )
    dimples += line(
        f"M{right + 8} {corner - 8} Q{right + 13} {corner} {right + 8} {corner + 8}", look.skin_deep, 3, 0.7 * smile
    )
    chin = line(f"M{mx - 16} 604 Q{mx} 611 {mx + 16} 604", look.skin_deep, 3, 0.4)
    return nose + lips + dimples + chin
