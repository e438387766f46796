"""Where runs keep their records and outputs on this machine: one folder each, for as long as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from adapters.local.output import read_output, readable
from adapters.local.record import RunFolder


class Outputs:
    """The folders of all runs, below `root`; that of a run is kept for `keep` after its end."""

    def __init__(self, root: Path, keep: timedelta) -> None:
        self._root = root
        self._keep = keep

    def folder(self, run_id: str) -> RunFolder:
        """Return the folder of a run, be it there or not. Raises ValueError for what is no identifier of a run."""
        return RunFolder(self._root, run_id)

    def all(self) -> Iterator[RunFolder]:
        """Yield the folders of all runs that have a record."""
        return (self.folder(path.parent.name) for path in self._root.glob("*/record.json"))

    def text(self, run_id: str) -> str:
        """Return what is kept of a run's output, readable; empty when there is none."""
        return readable(read_output(self.folder(run_id).path))

    def prune(self, now: float) -> None:
        """Remove the folders of runs that ended long enough before `now`, in unix seconds."""
        for folder in self.all():
            if folder.saved_at() < now - self._keep.total_seconds() and folder.load().status.ended:
                folder.remove()

    def home(self) -> str:
        """Return the name of the root, which stays when the server moves; empty when it cannot have one."""
        path = self._root / "home"
        try:
            with path.open("x") as file:
                file.write(token_hex(8))
        except FileExistsError:
            pass
        except OSError:
            return ""
        return path.read_text()
