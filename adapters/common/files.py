"""Files and folders with secrets: how they are made, and whether others can read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from core.ports.checkup import Finding

_OTHERS = 0o077
"""The permissions of the group and of everybody else."""


def open_private(path: str, flags: int) -> int:
    """Open a file, and make a new one readable for its owner alone: an `opener` for `open`."""
    return os.open(path, flags, 0o600)


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner can read, and its folder likewise, unless they exist."""
    make_private_folder(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, unless it exists; only the owner can change new ones around it."""
    for parent in reversed(path.parents):
        parent.mkdir(mode=0o755, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def check_private(paths: Iterable[Path]) -> list[Finding]:
    """Return a finding for each path, of those that exist, that others than the owner can read or change."""
    modes = [(path, path.stat().st_mode) for path in paths if path.exists()]
    return [_exposed(path, mode) for path, mode in modes if mode & _OTHERS]


def _exposed(path: Path, mode: int) -> Finding:
    wanted = "700" if stat.S_ISDIR(mode) else "600"
    text = f"{path} has the permissions {stat.S_IMODE(mode):04o}"
    return Finding(False, text, f"let only its owner, the user of the server, read it: chmod {wanted} {path}")
