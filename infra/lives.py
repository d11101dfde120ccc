"""Which life of a device holds a lease, told to the supervisor that will see its process end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

LIFE_FILE = "STORYREEL_LIFE_FILE"

log = logging.getLogger(__name__)


class Life(Struct, frozen=True, kw_only=True):
    """One life of a device: `boot_id` is new for every start and every lease."""

    device_id: str
    boot_id: str


class LifeFile:
    """The file named by `STORYREEL_LIFE_FILE`; without the variable nobody watches and nothing is written."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get(LIFE_FILE)
        self._path = Path(name) if name else None

    def note(self, life: Life) -> None:
        """Tell the present life. What cannot be written is a warning: the lease of a dead life runs out anyway."""
        if self._path is None:
            return
        incoming = self._path.with_name(self._path.name + ".new")
        try:
            incoming.write_bytes(msgspec.json.encode(life))
            incoming.replace(self._path)
        except OSError as error:
            log.warning("a death would not be reported, the lease would run out instead: %s", error)

    def forget(self) -> None:
        """The end of the life told last needs no report any more."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def read_life(path: Path) -> Life | None:
    """The life told last, None if there is none or its end was told."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Life)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s does not tell whose end is to be reported: %s", path, error)
        return None
