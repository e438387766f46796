"""Runs a script as another user of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from adapters.local.isolation.base import Isolation


@dataclass(frozen=True, slots=True)
class Account(Isolation):
    """Scripts run as a user without rights, in none of the server's groups. Those of all runs are one user's."""

    kind: ClassVar[str] = "user"

    name: str
    uid: int
    gid: int

    @property
    def options(self) -> Mapping[str, Any]:
        """The options that change the user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}

    def lend(self, script: Path, work: Path) -> None:
        """Give script and folder to the user, who may enter the folders around them, but not list these."""
        for folder in (work.parent.parent, work.parent):
            folder.chmod(0o711)
        for path in (script, work):
            os.chown(path, self.uid, self.gid)

    def find_barrier(self, folder: Path) -> Path | None:
        """Return the first folder on the way to one that the user may not enter; folders to be made are left out."""
        return next((path for path in reversed(folder.absolute().parents) if not self._may_enter(path)), None)

    def _may_enter(self, folder: Path) -> bool:
        if not folder.exists():
            return True
        stat = folder.stat()
        if stat.st_uid == self.uid:
            return bool(stat.st_mode & 0o100)
        return bool(stat.st_mode & (0o010 if stat.st_gid == self.gid else 0o001))
