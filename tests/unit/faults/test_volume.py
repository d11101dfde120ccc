"""Both ways to take the room away: a small disk where the user may mount, a limit of file sizes where not."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness.volume import FileSizeLimit, SmallDisks, Volume, open_volume

WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(line.strip(), "wb") as file:
            file.write(bytes(100_000))
    except OSError as error:
        print(error.errno, flush=True)
    else:
        print(0, flush=True)
"""


class Writer:
    """Another process that writes files on request."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def write(self, path: Path) -> int:
        """0, or the number of the error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.process.kill()
    made.process.communicate()


def goes_away_and_comes_back(volume: Volume, writer: Writer, folder: Path, error: int) -> None:
    pids = [writer.process.pid]
    assert writer.write(folder / "before") == 0
    for number in range(2):
        volume.fill(pids)
        assert writer.write(folder / f"full-{number}") == error
        volume.free(pids)
        assert writer.write(folder / f"after-{number}") == 0


def test_a_small_disk_is_full_to_the_last_byte_and_its_files_are_kept(writer: Writer, tmp_path: Path) -> None:
    objects, scratch = tmp_path / "objects", tmp_path / "scratch"
    volume = open_volume(objects, scratch)
    if not isinstance(volume, SmallDisks):
        volume.close()
        pytest.skip("this user may not mount a disk")
    try:
        goes_away_and_comes_back(volume, writer, objects, errno.ENOSPC)
        volume.fill([])
        assert writer.write(scratch / "x") == errno.ENOSPC
        volume.free([])
    finally:
        volume.close()
    assert not objects.is_mount()
    assert (objects / "after-1").stat().st_size == 100_000


def test_without_a_mount_files_are_limited(writer: Writer, tmp_path: Path) -> None:
    goes_away_and_comes_back(FileSizeLimit(), writer, tmp_path, errno.EFBIG)


def test_a_process_that_is_gone_is_no_error(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    FileSizeLimit().fill([int(gone.stdout)])
