"""Hostile and odd uploads: each is refused by a named rule or comes back as plain pixels."""

from __future__ import annotations

import asyncio
import io
import struct
import time
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infra.safe_image import UnsafeImageError, decode_safely, decode_safely_async


def encoded(file_format: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: object) -> bytes:
    chance = np.random.default_rng(1)
    channels = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
    data = chance.integers(0, 255, (size[1], size[0], channels), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(data.squeeze()).save(out, file_format, **options)
    return out.getvalue()


def refused(data: bytes, **limits: int) -> str:
    with pytest.raises(UnsafeImageError) as caught:
        decode_safely(data, **limits)
    assert caught.value.code == "unsafe_image"
    return caught.value.rule


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width: int, height: int, raw: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_good_pictures_come_back_as_png_of_the_same_size(file_format: str) -> None:
    safe = decode_safely(encoded(file_format))
    assert (safe.width, safe.height) == (64, 48)
    with Image.open(io.BytesIO(safe.png)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (64, 48), "RGB")


def test_pixels_and_transparency_survive() -> None:
    source = encoded("PNG", mode="RGBA")
    safe = decode_safely(source)
    with Image.open(io.BytesIO(source)) as before, Image.open(io.BytesIO(safe.png)) as after:
        assert after.mode == "RGBA"
        assert before.tobytes() == after.tobytes()


def test_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(4, axis=0)
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    with Image.open(io.BytesIO(decode_safely(out.getvalue()).png)) as picture:
        row = np.asarray(picture)[0, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 255
    assert np.all(np.diff(row) >= 0)


def test_exif_gps_and_icc_are_gone_and_the_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    source = encoded("JPEG", exif=exif.tobytes(), icc_profile=b"fake-profile" * 20, comment=b"private comment")
    assert b"SecretCamera" in source
    safe = decode_safely(source)
    assert (safe.width, safe.height) == (48, 64)
    with Image.open(io.BytesIO(safe.png)) as picture:
        assert not picture.getexif()
        assert "icc_profile" not in picture.info
    for secret in (b"SecretCamera", b"fake-profile", b"private comment", b"eXIf", b"iCCP"):
        assert secret not in safe.png


def test_appended_archive_of_a_polyglot_is_gone() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("payload.txt", "run me")
    polyglot = encoded("PNG") + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(polyglot))
    safe = decode_safely(polyglot)
    assert not zipfile.is_zipfile(io.BytesIO(safe.png))
    assert b"payload.txt" not in safe.png


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused(file_format: str) -> None:
    assert refused(encoded(file_format)) == "format"


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"MZ\x90", b"\x00" * 100, b"GIF89a"]
)
def test_files_that_are_no_pictures_are_refused(data: bytes) -> None:
    assert refused(data) == "format"


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_moving_pictures_are_refused(file_format: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, file_format, save_all=True, append_images=frames[1:], duration=100)
    assert refused(out.getvalue()) == "frames"


def test_bomb_is_refused_by_its_header_before_it_is_inflated() -> None:
    bomb = png_claiming(60_000, 60_000, bytes(20_000_000))
    assert len(bomb) < 100_000
    start = time.perf_counter()
    assert refused(bomb) == "pixels"
    assert time.perf_counter() - start < 3


def test_header_that_promises_less_than_it_holds_cannot_grow() -> None:
    safe = decode_safely(png_claiming(8, 8, bytes(50_000_000)))
    assert (safe.width, safe.height) == (8, 8)


def test_pixel_limit_is_exact() -> None:
    source = encoded("PNG", (100, 100))
    assert decode_safely(source, max_pixels=10_000).width == 100
    assert refused(source, max_pixels=9_999) == "pixels"


def test_byte_limit_and_empty_file() -> None:
    source = encoded("PNG")
    assert refused(source, max_bytes=len(source) - 1) == "bytes"
    assert decode_safely(source, max_bytes=len(source)).width == 64
    assert refused(b"") == "bytes"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_truncated_files_are_refused(file_format: str) -> None:
    source = encoded(file_format, (300, 300))
    assert refused(source[: len(source) // 2]) == "decode"


def test_broken_checksum_is_refused() -> None:
    source = bytearray(encoded("PNG"))
    source[60] ^= 0xFF
    assert refused(bytes(source)) in {"decode", "format"}


def test_largest_allowed_picture_fits_into_the_limits() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (5000, 5000), (10, 20, 30, 40)).save(out, "PNG", compress_level=1)
    assert decode_safely(out.getvalue()).width == 5000


async def test_async_decodes_side_by_side_and_refuses_alike() -> None:
    source = encoded("JPEG")
    good = await asyncio.gather(*(decode_safely_async(source) for _ in range(3)))
    assert {(safe.width, safe.height) for safe in good} == {(64, 48)}
    with pytest.raises(UnsafeImageError, match="format"):
        await decode_safely_async(b"GIF89a")


async def test_cancelled_caller_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    running = asyncio.Event()
    spawn = asyncio.create_subprocess_exec

    async def remember(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
        child = await spawn(*arguments, **options)
        started.append(child)
        running.set()
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    task = asyncio.create_task(decode_safely_async(encoded("PNG", (2000, 2000))))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started[0].returncode is not None
