"""A machine with secrets, and the isolations under which scripts try to reach them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.local.isolation.base import Isolation
from adapters.local.isolation.choose import choose_isolation
from adapters.local.settings import LocalSettings
from tests.services import require_bubblewrap

KINDS = ("bwrap", "user", "none")


@dataclass(frozen=True)
class Machine:
    """The folders of a server: `data` has its key, database and settings, `runs` its runs, and `outside` others' files.

    Everybody may enter the folder around them, as on a real machine.
    """

    folder: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder / "runs"

    @property
    def outside(self) -> Path:
        """A folder that the server may write."""
        return self.folder / "outside"

    def isolation(self, kind: str, **settings: Any) -> Isolation:
        """Return an isolation that works on this machine; the test is left out where there is none."""
        if kind == "user" and os.geteuid() != 0:
            pytest.skip("another user: only root starts processes as one")
        if kind == "bwrap":
            require_bubblewrap()
        user = "nobody" if kind == "user" else ""
        return choose_isolation(LocalSettings(isolation=kind, user=user, **settings), self.runs, (self.data,))


@contextmanager
def machine() -> Iterator[Machine]:
    """Make the folders of a server, for the owner alone, outside those of pytest, which no other user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="fabu-test-"))
    folder.chmod(0o711)
    made = Machine(folder)
    for each in (made.data, made.outside):
        each.mkdir(0o700)
    try:
        yield made
    finally:
        shutil.rmtree(folder)
