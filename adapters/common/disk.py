"""Room on the disks that Fabu writes to."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.ports.checkup import Finding

ENOUGH = 16 * 1024**2
"""Bytes that a disk should have left: a few times what SQLite writes before it writes the database itself."""
_MEGABYTE = 1024**2
CURE = "make room there: nothing can be saved on a full disk"
"""What to do when there is too little."""


def find_shortage(folder: Path) -> str:
    """Return how little room the disk of a folder has left; an empty text when there is enough, or nobody knows."""
    free = _free_space(folder)
    return "" if free is None or free >= ENOUGH else f"{free / _MEGABYTE:.1f} MB are left on its disk"


def check_room(folder: Path) -> list[Finding]:
    """Check that the disk of a folder has enough room left."""
    free = _free_space(folder)
    if free is None:
        return []
    return [Finding(free >= ENOUGH, f"{free // _MEGABYTE} MB are left on the disk of {folder}", CURE)]


def _free_space(folder: Path) -> int | None:
    """Return how many bytes an ordinary user can still write to a folder, or to its nearest parent that exists."""
    try:
        existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
        return shutil.disk_usage(existing).free
    except OSError:
        return None
