"""Making the disk of objects and scratch files full, truly where the system allows it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import psutil

SIZE = 2 * 1024**3  # bytes of a small disk: its pages are taken only as they are written
_PAGE = 4096
_TRIES = 50


class Volume(Protocol):
    """`means` says in words how the disk is made full."""

    means: str

    def fill(self, writers: Iterable[int]) -> None:
        """From now on nothing more can be written; `writers` are the processes that write there."""

    def free(self, writers: Iterable[int]) -> None:
        """There is room again."""

    def close(self) -> None:
        """Undo whatever was set up; the files stay in their folders."""


class SmallDisks:
    """A tmpfs on each folder, shrunk to what is on it: the next byte finds no space left on the device."""

    means = "small disks (tmpfs) for objects and scratch files, without a byte of free space"

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)

    def fill(self, writers: Iterable[int]) -> None:  # noqa: ARG002
        for folder in self._folders:
            for _ in range(_TRIES):
                disk = os.statvfs(folder)
                used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
                if _mount(f"remount,size={max(used, _PAGE)}", folder):
                    break
            else:
                raise OSError(f"{folder} could not be made full")

    def free(self, writers: Iterable[int]) -> None:  # noqa: ARG002
        for folder in self._folders:
            if not _mount(f"remount,size={SIZE}", folder):
                raise OSError(f"{folder} could not be given room again")

    def close(self) -> None:
        for folder in self._folders:
            kept = folder.with_name(folder.name + ".kept")
            shutil.copytree(folder, kept)
            _unmount(folder)
            folder.rmdir()
            kept.rename(folder)


class FileSizeLimit:
    """Without the right to mount: the agents and their children may write no file any more (RLIMIT_FSIZE of zero)."""

    means = "a limit of zero bytes for every file of the agents (RLIMIT_FSIZE), because this user cannot mount a disk"

    def fill(self, writers: Iterable[int]) -> None:
        self._limit(writers, 0)

    def free(self, writers: Iterable[int]) -> None:
        self._limit(writers, resource.RLIM_INFINITY)

    def close(self) -> None:
        """Nothing was set up: a limit ends with its process."""

    def _limit(self, writers: Iterable[int], size: int) -> None:
        for pid in writers:
            try:
                for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                    most = process.rlimit(resource.RLIMIT_FSIZE)[1]  # raising it needs a right
                    process.rlimit(resource.RLIMIT_FSIZE, (most if size == resource.RLIM_INFINITY else size, most))
            except psutil.NoSuchProcess:
                continue


def open_volume(*folders: Path) -> Volume:
    """A small disk for each folder; a limit of file sizes where the user may not mount."""
    mounted = []
    for folder in folders:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        if os.geteuid() == 0 and _mount(f"size={SIZE},mode=0750", folder):
            mounted.append(folder)
    if len(mounted) == len(folders):
        return SmallDisks(folders)
    for folder in mounted:
        _unmount(folder)
    return FileSizeLimit()


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "storyreel-faults", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
