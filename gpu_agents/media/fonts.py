"""The typeface of everything that is written into pictures: one font that has Latin and Chinese glyphs.

Looked for in this order: the file named by `STORYREEL_FONT`, a font that came as a Python package, the system's fonts.
Packages are located without importing them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont, features

from schemas.errors import ConfigurationError

FONT_VARIABLE = "STORYREEL_FONT"
SUFFIXES = (".otf", ".ttf", ".ttc")
PACKAGES = ("cvttf_NotoSansCJK_Medium", "cvttf_NotoSansCJK_Regular")  # Noto Sans CJK, SIL Open Font License 1.1
SYSTEM_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Medium.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Medium.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def cjk_font() -> Path:
    """File of a font with Chinese glyphs.

    Raises `ConfigurationError` when `STORYREEL_FONT` names no font file or no font is found at all.
    """
    return _find(os.environ.get(FONT_VARIABLE, ""))


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels per em (at least 1)."""
    return _load(cjk_font(), max(1, size))


def text_language(language: str) -> str | None:
    """OpenType language of `language` ("zh" picks the mainland forms), None where the text layout cannot use one."""
    if not _has_shaping():
        return None
    return "zh-Hans" if language == "zh" else language or None


@lru_cache(maxsize=4)
def _find(configured: str) -> Path:
    if configured:
        path = Path(configured).expanduser()
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise ConfigurationError(f"{FONT_VARIABLE}: {configured!r} is no font file (.otf, .ttf or .ttc)")
        return path
    for path in _candidates():
        if path.is_file():
            return path
    raise ConfigurationError(
        f"no font with Chinese glyphs was found: set {FONT_VARIABLE} to a font file "
        "or install the package cvttf-notosanscjk-medium"
    )


def _candidates() -> Iterator[Path]:
    for package in PACKAGES:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or [] if spec else []:
            yield from sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    yield from map(Path, SYSTEM_FONTS)


@lru_cache(maxsize=16)
def _load(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@lru_cache(maxsize=1)
def _has_shaping() -> bool:
    return bool(features.check("raqm"))
