"""The folders with the records and outputs of all runs on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from adapters.common.files import make_private_folder, open_private
from adapters.local.cleaning import Cleaner
from adapters.local.output import masker_of, read_output
from adapters.local.record import RunFolder


class Outputs:
    """The folders of all runs, in `root`; a folder is deleted when `keep` has passed since the end of its run.

    The `secrets` of the settings are masked when an output is shown: some may be newer than it.
    """

    def __init__(self, root: Path, keep: timedelta, secrets: Iterable[str]) -> None:
        self._root = root
        self._keep = keep
        self._masker = masker_of(secrets)

    def folder(self, run_id: str) -> RunFolder:
        """Return the folder of a run, whether it exists or not. Raises ValueError for an invalid id."""
        return RunFolder(self._root, run_id)

    def all(self) -> Iterator[RunFolder]:
        """Yield the folders of all runs that have a record."""
        return (self.folder(path.parent.name) for path in self._root.glob("*/record.json"))

    def read(self, run_id: str) -> str:
        """Return the stored output of a run, cleaned and masked again; empty when there is none."""
        cleaner = Cleaner()
        return self._masker.mask(cleaner.feed(read_output(self.folder(run_id).path)) + cleaner.flush())

    def prune(self, now: float) -> None:
        """Delete the folders of runs whose time is over at `now`, in unix seconds."""
        for folder in self.all():
            if folder.saved_at() < now - self._keep.total_seconds() and folder.load().status.ended:
                folder.remove()

    def home(self) -> str:
        """Return the id of the root, which it keeps when it is moved; empty when it is not writable."""
        path = self._root / "home"
        with suppress(OSError):  # such as when it exists
            make_private_folder(self._root)
            with open(path, "x", opener=open_private) as file:
                file.write(token_hex(8))
        try:
            return path.read_text()
        except OSError:
            return ""
