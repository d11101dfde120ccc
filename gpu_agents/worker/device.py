"""What a device is: its kind from its name, its memory, and the surroundings its render child may see."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import psutil
from msgspec import Struct

from infra.settings import PREFIX, Settings
from schemas.errors import ConfigurationError

_NAME = re.compile(r"(?:[a-z0-9][a-z0-9.-]*-)?(cpu|cuda)-(\d{1,3})")
_SMI_TIMEOUT = 10.0
_CHILD_SETTINGS = {"log_level", "face_detector_model", "models"}
_SECRET_WORDS = ("SECRET", "KEYSTORE", "KEK", "PASSWORD")


class Device(Struct, frozen=True, kw_only=True):
    """`kind` is "cpu" or "cuda"; `index` counts the devices of that kind on a host."""

    device_id: str
    kind: str
    index: int


def parse_device(device_id: str) -> Device:
    """Read "cpu-0", "cuda-1" or, where several hosts share a cluster, "HOST-cuda-1". Raises `ConfigurationError`."""
    found = _NAME.fullmatch(device_id)
    if found is None or len(device_id) > 100:
        raise ConfigurationError(f"--device {device_id!r}: must look like cpu-0, cuda-1 or host-cuda-1")
    return Device(device_id=device_id, kind=found.group(1), index=int(found.group(2)))


def child_environment(device: Device, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the render child: one visible GPU or none, and no address or secret of the product."""
    hidden = {PREFIX + name.upper() for name in Settings.__struct_fields__ if name not in _CHILD_SETTINGS}
    hidden.add("DATABASE_URL")
    kept = {
        name: value
        for name, value in environ.items()
        if name not in hidden and not (name.startswith(PREFIX) and any(word in name for word in _SECRET_WORDS))
    }
    return kept | {"CUDA_VISIBLE_DEVICES": str(device.index) if device.kind == "cuda" else ""}


async def memory_of(device: Device) -> int:
    """Total memory in bytes: of the host, or of the GPU as nvidia-smi tells it. Raises `ConfigurationError`."""
    if device.kind == "cpu":
        return int(psutil.virtual_memory().total)
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", f"--id={device.index}"]
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        raise ConfigurationError(f"device {device.device_id}: nvidia-smi cannot be run: {error}") from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _SMI_TIMEOUT)
    except TimeoutError as error:
        process.kill()
        raise ConfigurationError(f"device {device.device_id}: nvidia-smi does not answer") from error
    if process.returncode != 0 or not output.strip().isdigit():
        raise ConfigurationError(f"device {device.device_id}: nvidia-smi knows no such GPU")
    return int(output) * 1024 * 1024


def resident_memory(pid: int) -> int:
    """Resident bytes of a process, 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.NoSuchProcess:
        return 0
