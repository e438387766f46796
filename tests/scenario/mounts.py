"""Small disks of their own for tests: file systems in memory, which only root can mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import leave_out


class Disk:
    """A mounted file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Write until nothing more can be written."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for size in (1024 * 1024, 1024):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()

    def remount(self, options: str) -> None:
        """Change the options of the mount."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a file system of a size at a new folder, and unmount it at the end."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        leave_out("a disk of its own", f"cannot be mounted ({getattr(error, 'stderr', error)})".strip())
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
