"""Whether a device has room for working files, tried on real disks and limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gpu_agents.disk import ROOM, lack_of_room

LIMITED = """
import resource, sys
from pathlib import Path
from gpu_agents.disk import lack_of_room
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print(lack_of_room(Path(sys.argv[1])))
"""


def told(folder: Path, limit: int) -> str:
    """What a process that may write files of so many bytes says."""
    command = [sys.executable, "-c", LIMITED, str(folder), str(limit)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_room_is_tried_and_nothing_stays(tmp_path: Path) -> None:
    assert lack_of_room(tmp_path) == ""
    assert told(tmp_path, ROOM) == ""
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_told_and_nothing_stays(tmp_path: Path) -> None:
    assert told(tmp_path, ROOM - 1) == "the device's disk is full"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert lack_of_room(tmp_path / "file").startswith("the device cannot write its working files: ")
