"""Messages between agent and render child: MessagePack of one tagged union, each behind its length as big-endian uint32."""

from __future__ import annotations

import socket
import struct

import msgspec
from msgspec import Struct

from schemas.errors import ContractError
from schemas.specs import Spec

LENGTH = struct.Struct(">I")
MAX_FRAME = 32 * 1024 * 1024  # bytes; far above any embedding, storyboard or preview


class Probe(Struct, frozen=True, tag="probe"):
    """Ask whether an engine works on this device."""

    engine: str


class Render(Struct, frozen=True, kw_only=True, tag="render"):
    """Render `spec` in `workdir`; `inputs` maps stage ids and object keys to local files."""

    job_id: str
    engine: str
    spec: Spec
    workdir: str
    inputs: dict[str, str] = {}


class Cancel(Struct, frozen=True, tag="cancel"):
    """Stop the job at its next step."""

    job_id: str


class Ready(Struct, frozen=True, tag="ready"):
    """The renderer runs; `pid` is its own, not the guard's."""

    pid: int


class Probed(Struct, frozen=True, kw_only=True, tag="probed"):
    """Answer to `Probe`; `problem` "" = usable. What could be told before the problem is told all the same."""

    engine: str
    kind: str = ""
    version: str = ""
    problem: str = ""
    package: str = ""
    needs: list[str] = []


class Estimated(Struct, frozen=True, kw_only=True, tag="estimated"):
    """The render of the job begins; the engine expects it to take `seconds`, a finite number >= 0."""

    job_id: str
    seconds: float


class Progressed(Struct, frozen=True, kw_only=True, tag="progress"):
    """`fraction` 0-1 of the job is done; `preview` is a small JPEG or nothing."""

    job_id: str
    fraction: float
    step: int
    steps: int
    preview: bytes | None = None


class ChildFile(Struct, frozen=True, kw_only=True):
    """A finished file: size in bytes and sha256 as the renderer left it; pixels and milliseconds, 0 where unknown."""

    role: str
    path: str
    content_type: str
    sha256: str
    size: int
    width: int = 0
    height: int = 0
    duration_ms: int = 0


class Usage(Struct, frozen=True, kw_only=True):
    """What a render took: wall and processor time in ms (children included), peak resident memory in bytes."""

    render_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0


class ModelTold(Struct, frozen=True, kw_only=True, tag="model"):
    """A model came into the child's memory ("loaded"), was used again ("hit") or went ("evicted"); sizes in bytes.

    The agent itself says "ended" when the child is gone, and every model with it.
    """

    kind: str
    model: str = ""
    size: int = 0
    held: int = 0
    seconds: float = 0.0


class Done(Struct, frozen=True, kw_only=True, tag="done"):
    """The job succeeded. `result` is the JSON object {"recipe", "summary", "data"}.

    The agent itself adds `loaded`, the engines whose models the child holds now.
    """

    job_id: str
    files: list[ChildFile]
    result: bytes
    usage: Usage
    loaded: list[str] = []


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The job failed, or stopped because it was cancelled. `error_type` is the class of the error shape clients see."""

    job_id: str
    error_type: str = "RenderFailed"
    code: str = "render_failed"
    detail: str = ""
    retryable: bool = False
    cancelled: bool = False


Request = Probe | Render | Cancel
Reply = Ready | Probed | Estimated | Progressed | ModelTold | Done | Failed
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


def pack(message: Request | Reply) -> bytes:
    """One frame. Raises `ContractError` when the message is larger than a frame may be."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise ContractError(f"{type(message).__name__} of {len(body)} bytes exceeds the frame limit of {MAX_FRAME}")
    return LENGTH.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Bytes of the body that follows a 4-byte header. Raises `ContractError` beyond the limit."""
    (length,) = LENGTH.unpack(header)
    if length > MAX_FRAME:
        raise ContractError(f"frame of {length} bytes exceeds the limit of {MAX_FRAME}")
    return int(length)


def unpack_request(body: bytes) -> Request:
    """A message of the agent. Raises `ContractError`."""
    try:
        return _requests.decode(body)
    except msgspec.DecodeError as error:
        raise ContractError(f"no message of the agent: {error}") from error


def unpack_reply(body: bytes) -> Reply:
    """A message of the child. Raises `ContractError`."""
    try:
        return _replies.decode(body)
    except msgspec.DecodeError as error:
        raise ContractError(f"no message of the child: {error}") from error


def receive(connection: socket.socket) -> bytes | None:
    """Block for the next body; None at the end of the stream, also in the middle of a frame."""
    header = _exactly(connection, LENGTH.size)
    return None if header is None else _exactly(connection, body_length(header))


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    buffer = bytearray()
    while len(buffer) < count:
        chunk = connection.recv(min(count - len(buffer), 1 << 20))
        if not chunk:
            return None
        buffer += chunk
    return bytes(buffer)
