"""What a media file is by its first bytes; names and declared types are never trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from schemas.errors import RenderError

MediaKind = Literal["picture", "clip", "sound"]

HEAD = 64  # bytes read
_EBML = b"\x1a\x45\xdf\xa3"
_SOUND_BRANDS = (b"M4A ", b"M4B ")


def sniff(path: Path) -> MediaKind:
    """Whether a file is a "picture" (PNG, JPEG, WebP), a "clip" (MP4, MOV, WebM) or a "sound" (WAV, MP3, Ogg, FLAC, M4A).

    Only containers that hold their own data pass: playlists and scripts that point elsewhere do not.
    Raises `RenderError` when the file is missing or anything else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise RenderError(f"input file {path.name}: {error.strerror or error}") from error
    kind = _classify(head)
    if kind is None:
        raise RenderError(f"input file {path.name}: neither a picture, a clip nor a sound of a known format")
    return kind


def _classify(head: bytes) -> MediaKind | None:
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if head[4:8] == b"ftyp":
        return "sound" if head[8:12] in _SOUND_BRANDS else "clip"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free") or head.startswith(_EBML):
        return "clip"
    if head[:4] in (b"OggS", b"fLaC") or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return "sound"
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "sound"
    return None
