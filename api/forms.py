"""Multipart forms read piece by piece: files go to disk, texts are short, and whatever is too large ends the reading."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from litestar import Request
from litestar.exceptions import HTTPException
from msgspec import Struct
from python_multipart.exceptions import FormParserError

from api.errors import ApiError, unavailable
from api.form_parser import FormParser, Part, malformed
from api.rules import BadField
from infra.safe_image import MAX_BYTES

MULTIPART = "multipart/form-data"
MAX_TEXT = 64 * 1024  # bytes of a text part
IN_MEMORY = 64 * 1024  # bytes of a file that are kept in memory


class FormRules(Struct, frozen=True, kw_only=True):
    """What a form may hold: how many files by the name of their part, and the names of its texts."""

    files: dict[str, int]
    texts: tuple[str, ...] = ()


class Upload:
    """A file of a form, in a file without a name once it is larger than IN_MEMORY; that file ends with the process."""

    def __init__(self, field: str, filename: str, folder: Path) -> None:
        self.field, self.filename = field, filename
        self.size = 0
        self._folder = folder
        self._few: list[bytes] = []
        self._file: IO[bytes] | None = None

    def add(self, data: bytes) -> None:
        """Take a piece; it lies in memory until `flush`. Raises `ApiError` 413 above MAX_BYTES."""
        self.size += len(data)
        if self.size > MAX_BYTES:
            raise too_large(self.field, MAX_BYTES)
        self._few.append(data)

    @property
    def is_waiting(self) -> bool:
        """Whether `flush` has something to do."""
        return self.size > IN_MEMORY and bool(self._few)

    def flush(self) -> None:
        """Bring pieces to disk, unless all are few. Blocks."""
        if self._file is None and self.size > IN_MEMORY:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `close`
        if self._file is not None:
            self._file.writelines(self._few)
            self._few.clear()

    def read(self) -> bytes:
        """The whole content. Blocks."""
        if self._file is None:
            return b"".join(self._few)
        self._file.seek(0)
        return self._file.read()

    def become(self, data: bytes) -> None:
        """Hold `data`, of any size, in the place of what was uploaded. Blocks."""
        self.close()
        self.size, self._few = len(data), [data]
        self.flush()

    def close(self) -> None:
        """Forget the content."""
        self._few.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


class Form:
    """The parts of a form by name, and what is wrong with parts of other names and kinds."""

    def __init__(self, rules: FormRules, folder: Path) -> None:
        self.texts: dict[str, str] = {}
        self.bad: list[BadField] = []
        self._rules, self._folder = rules, folder
        self._files: dict[str, list[Upload]] = {}
        self._seen: dict[str, int] = {}

    def files(self, name: str) -> list[Upload]:
        """The files of this name."""
        return self._files.get(name, [])

    def open(self, part: Part) -> Upload | None:
        """Where the content of a part goes; None when nobody reads it. Raises `ApiError` for a file too many."""
        number = self._seen[part.name] = self._seen.get(part.name, -1) + 1
        most = self._rules.files.get(part.name, 0)
        if not most:
            if part.name not in self._rules.texts:
                self.bad.append(BadField(part.name, "unknown_field"))
            elif part.is_file:
                self.bad.append(BadField(part.name, "type", {"expected": "a string"}))
            return None
        if number >= most:
            raise ApiError("validation_failed", bad=[BadField(part.name, "max_items", {"limit": most})])
        field = part.name if most == 1 else f"{part.name}[{number}]"
        if not part.is_file:
            self.bad.append(BadField(field, "file"))
            return None
        upload = Upload(field, part.filename, self._folder)
        self._files.setdefault(part.name, []).append(upload)
        return upload

    def take(self, part: Part, text: str) -> None:
        """A text part; of several with one name the first counts."""
        if part.name in self._rules.texts:
            self.texts.setdefault(part.name, text)

    def uploads(self) -> Iterator[Upload]:
        """Every file."""
        for files in self._files.values():
            yield from files

    def close(self) -> None:
        """Forget all files."""
        for upload in self.uploads():
            upload.close()


class _Filling:
    """Puts what the parser finds into a form."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._upload: Upload | None = None
        self._text = bytearray()
        self._size = 0

    def begin(self, part: Part) -> None:
        self._upload, self._size = self._form.open(part), 0
        self._text.clear()

    def add(self, part: Part, data: bytes) -> None:
        if self._upload is not None:
            self._upload.add(data)
            return
        self._size += len(data)
        limit = MAX_BYTES if part.is_file else MAX_TEXT
        if self._size > limit:
            raise too_large(part.name, limit)
        if not part.is_file:
            self._text += data

    def end(self, part: Part) -> None:
        if not part.is_file:
            try:
                self._form.take(part, self._text.decode())
            except UnicodeDecodeError as error:
                raise malformed(f"the part {part.name!r} is not UTF-8") from error


@asynccontextmanager
async def form_of(request: Request[Any, Any, Any], folder: Path, rules: FormRules) -> AsyncIterator[Form]:
    """The request's form; its files lie in `folder` while they are used.

    Raises `ApiError` 415 for another content type, 400 for broken framing and for more files than the rules allow, 413
    as soon as a file has more than MAX_BYTES or a text more than MAX_TEXT, 503 when the disk has no room.
    """
    if request.content_type[0] != MULTIPART:
        raise ApiError("unsupported_media_type", f"the body must be {MULTIPART}")
    form = Form(rules, folder)
    try:
        await _read(request, form)
        yield form
    finally:
        form.close()


async def _read(request: Request[Any, Any, Any], form: Form) -> None:
    filling = _Filling(form)
    try:
        parser = FormParser(request.content_type[1].get("boundary", ""), filling)
        async for chunk in request.stream():
            parser.feed(chunk)
            waiting = [upload for upload in form.uploads() if upload.is_waiting]
            if waiting:
                await asyncio.to_thread(_flush, waiting)
        parser.finish()
    except FormParserError as error:
        raise malformed(str(error)) from error
    except OSError as error:
        raise unavailable(f"the upload could not be kept: {error.strerror}") from error
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise ApiError("payload_too_large", "the body has more bytes than all its parts may have together") from error


def _flush(uploads: list[Upload]) -> None:
    for upload in uploads:
        upload.flush()


def too_large(field: str, limit: int) -> ApiError:
    """413 that names the part."""
    return ApiError("payload_too_large", bad=[BadField(field, "max_bytes", {"limit": limit})])
