"""Text drawn into frames: rendered once with Pillow, kept as small YUV planes, blended only inside its box."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gpu_agents.media.fonts import load_font, text_language
from gpu_agents.media.frames import Bytes, Planes, to_planes
from gpu_agents.media.subtitles import Cue, wrap
from schemas.specs import Language

TEXT_SHARE = 0.046  # height of a subtitle's letters as a share of the frame's short side
TITLE_SHARE = 0.085
WIDTH_SHARE = 0.86  # widest line as a share of the frame's width
BOTTOM_SHARE = 0.055  # free space under the subtitles as a share of the frame's height
WHITE, SPEAKER, OUTLINE, BOX = (255, 255, 255, 255), (255, 214, 130, 255), (12, 12, 16, 255), (8, 8, 12, 116)


class Overlay:
    """A picture with transparency at an even place of the frame, ready to be blended."""

    def __init__(self, image: Image.Image, left: int, top: int) -> None:
        self.left, self.top = left - left % 2, top - top % 2
        padded = Image.new("RGBA", (image.width + image.width % 2, image.height + image.height % 2))
        padded.paste(image)
        pixels = np.asarray(padded)
        colour = to_planes(np.ascontiguousarray(pixels[:, :, :3]))
        alpha = pixels[:, :, 3].astype(np.float32) / 255
        self.width, self.height = padded.size
        half = alpha.reshape(self.height // 2, 2, self.width // 2, 2).mean(axis=(1, 3))
        self._layers = [_Layer(*parts) for parts in ((colour.y, alpha), (colour.u, half), (colour.v, half))]

    def blend(self, frame: Planes, strength: float = 1.0) -> None:
        """Draw onto a frame; `strength` 0..1 scales the opacity."""
        for plane, layer, step in zip((frame.y, frame.u, frame.v), self._layers, (1, 2, 2), strict=True):
            rows, columns = layer.keep.shape
            top, left = self.top // step, self.left // step
            layer.blend(plane[top : top + rows, left : left + columns], strength)


class _Layer:
    """One plane of an overlay in bytes: what is kept of the frame (255 = all) and what is added to it."""

    def __init__(self, colour: Bytes, alpha: NDArray[np.float32]) -> None:
        self.keep: Bytes = np.rint(255 * (1 - alpha)).astype(np.uint8)
        self._added: Bytes = np.rint(colour * alpha).astype(np.uint8)

    def blend(self, region: Bytes, strength: float) -> None:
        kept = cv2.multiply(region, self.keep, scale=1 / 255)
        if strength >= 1:
            cv2.add(kept, self._added, dst=region)
        else:
            cv2.addWeighted(region, 1 - strength, cv2.add(kept, self._added), strength, 0, dst=region)


def subtitle_measure(width: int, height: int) -> tuple[Callable[[str], float], float]:
    """How wide a subtitle text is in a frame of `width` x `height` px, and how wide a line may be, both in px."""
    return load_font(_size(width, height, TEXT_SHARE)).getlength, width * WIDTH_SHARE


def draw_subtitle(cue: Cue, language: Language, width: int, height: int) -> Overlay:
    """White text with an outline on a translucent box, centred at the foot of the frame, the speaker's name in yellow."""
    size = _size(width, height, TEXT_SHARE)
    font = load_font(size)
    step, pad = round(size * 1.32), round(size * 0.45)
    lines = cue.lines
    box_width = min(width, round(max(font.getlength(line) for line in lines)) + 2 * pad + 2)
    box_height = step * len(lines) + round(pad * 0.9)
    image = Image.new("RGBA", (box_width, box_height))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, box_width - 1, box_height - 1), radius=pad, fill=BOX)
    text = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(text)
    locale, stroke = text_language(language), max(1, round(size / 16))
    for row, line in enumerate(lines):
        x, y = (box_width - font.getlength(line)) / 2, pad * 0.45 + row * step + step / 2
        name = cue.prefix if row == 0 and line.startswith(cue.prefix) else ""
        for part, colour in ((name, SPEAKER), (line[len(name) :], WHITE)):
            if part:
                pen.text(
                    (x, y), part, colour, font, anchor="lm", language=locale, stroke_width=stroke, stroke_fill=OUTLINE
                )
                x += font.getlength(part)
    image.alpha_composite(text)
    top = height - box_height - round(height * BOTTOM_SHARE)
    return Overlay(image, (width - image.width) // 2, max(0, top))


def draw_title(title: str, language: Language, width: int, height: int) -> Overlay:
    """The film's title in large letters with a soft shadow, a little above the middle; at most three lines."""
    size = _size(width, height, TITLE_SHARE)
    font = load_font(size)
    lines = wrap(" ".join(title.split()), font.getlength, width * 0.8)[:3]
    step, margin = round(size * 1.3), size
    image_width = min(width, round(max(font.getlength(line) for line in lines)) + 2 * margin)
    image_height = min(height, step * len(lines) + margin)
    text = Image.new("RGBA", (image_width, image_height))
    pen, locale = ImageDraw.Draw(text), text_language(language)
    for row, line in enumerate(lines):
        place = (image_width / 2, margin / 2 + row * step + step / 2)
        pen.text(place, line, WHITE, font, anchor="mm", language=locale)
    shadow = Image.new("L", text.size)
    shadow.paste(text.getchannel("A"), (0, max(1, size // 24)))
    soft = shadow.filter(ImageFilter.GaussianBlur(size / 7)).point(lambda value: min(255, value * 2))
    image = Image.merge("RGBA", [Image.new("L", text.size)] * 3 + [soft])
    image.alpha_composite(text)
    return Overlay(image, (width - image_width) // 2, max(0, round(height * 0.44) - image_height // 2))


def _size(width: int, height: int, share: float) -> int:
    return max(12, round(min(width, height) * share))
