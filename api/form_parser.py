"""The framing of multipart bodies (RFC 7578) as calls: a part begins, has data, ends. No IO."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from python_multipart.multipart import MultipartParser, parse_options_header

from api.errors import ApiError

MAX_PARTS = 32


class Part(Struct, frozen=True, kw_only=True):
    """What a part says of itself; a part with a file name is a file."""

    name: str
    filename: str

    @property
    def is_file(self) -> bool:
        """Whether it has a file name."""
        return bool(self.filename)


class PartSink(Protocol):
    """Takes the parts of a body in their order."""

    def begin(self, part: Part) -> None:
        """A part begins."""

    def add(self, part: Part, data: bytes) -> None:
        """Some of its content."""

    def end(self, part: Part) -> None:
        """Its content is complete."""


class FormParser:
    """Calls the sink for every part, at most MAX_PARTS. What the sink raises ends the parsing."""

    def __init__(self, boundary: str, sink: PartSink) -> None:
        if not boundary:
            raise malformed("its content type names no boundary")
        self._sink = sink
        self._part: Part | None = None
        self._parts = 0
        self._field, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary.encode("latin-1", "replace"),
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._open,
                "on_part_data": self._data,
                "on_part_end": self._close,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Parse some more. Raises `python_multipart.exceptions.FormParserError` for broken framing."""
        if not self._ended:
            self._parser.write(chunk)

    def finish(self) -> None:
        """Raise `ApiError` 400 if the body ended too early."""
        if not self._ended:
            raise malformed("it ends too early")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise ApiError("payload_too_large", f"the body has more than {MAX_PARTS} parts")
        self._headers.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name, filename = options.get(b"name", b""), options.get(b"filename", b"")
        if not name:
            raise malformed("a part has no name")
        self._part = Part(name=name.decode("utf-8", "replace"), filename=filename.decode("utf-8", "replace"))
        self._sink.begin(self._part)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None:
            self._sink.add(self._part, data[start:end])

    def _close(self) -> None:
        if self._part is not None:
            self._sink.end(self._part)
        self._part = None

    def _end(self) -> None:
        self._ended = True


def malformed(why: str) -> ApiError:
    """400 for a body that is no form."""
    return ApiError("malformed_body", f"the body is not valid multipart/form-data: {why}")
