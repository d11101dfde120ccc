"""Secrets in files (0600 in a 0700 folder), created once however many processes start together."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from schemas.errors import ConfigurationError

KEK_VARIABLE = "STORYREEL_KEK"
KEK_BYTES = 32


def load_kek(secrets_dir: Path, environ: Mapping[str, str]) -> bytes:
    """The 256-bit key that wraps all account keys: `STORYREEL_KEK` (base64), else the file `secrets_dir`/kek.

    The file is generated on first use. Raises `ConfigurationError` if either does not hold 32 bytes.
    """
    if text := environ.get(KEK_VARIABLE):
        return _decode(KEK_VARIABLE, text, KEK_BYTES)
    return load_or_create_secret(secrets_dir, "kek", KEK_BYTES)


def load_or_create_secret(secrets_dir: Path, name: str, size: int = 32) -> bytes:
    """`size` random bytes kept as base64 in `secrets_dir`/`name`; the same for every process from the first call on.

    Raises `ConfigurationError` if the file is damaged or others may read it.
    """
    text = load_or_create_text(secrets_dir / name, lambda: base64.b64encode(secrets.token_bytes(size)).decode())
    return _decode(str(secrets_dir / name), text, size)


def load_or_create_text(path: Path, create: Callable[[], str]) -> str:
    """The text in the file, which `create` supplies if there is none; one winner among concurrent creators."""
    private_folder(path.parent)
    try:
        return _read_private(path)
    except FileNotFoundError:
        _create_once(path, create())
        return _read_private(path)


def private_folder(path: Path) -> None:
    """Make the folder if needed and close it to other users (0700)."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)


def _create_once(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # fails if another process was first: the file is never replaced
    except FileExistsError:
        return
    finally:
        temporary.unlink()
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_private(path: Path) -> str:
    with path.open() as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ConfigurationError(f"{path}: mode {mode:03o} lets others read it, must be 600")
        return file.read().strip()


def _decode(name: str, text: str, size: int) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"{name}: must be base64 of {size} bytes") from None
    if len(value) != size:
        raise ConfigurationError(f"{name}: holds {len(value)} bytes, must be base64 of {size} bytes")
    return value
