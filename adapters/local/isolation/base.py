"""What the start of a script asks of an isolation; by itself, that of a script which is not isolated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Isolation:
    """Scripts run as the server's user, and reach what that user reaches. Other isolations derive from this one.

    `kind` is the name in the settings, `home` the HOME of scripts, `reason` why nothing better is used. An isolation
    that `supervises` puts a process before that of the script, with which all processes of the script end.
    """

    kind: ClassVar[str] = "none"
    supervises: ClassVar[bool] = False

    home: Path
    reason: str = field(default="", kw_only=True)

    @property
    def confines(self) -> bool:
        """Whether scripts are kept from the server's files, which hold its key and everybody's tokens."""
        return self.kind != Isolation.kind

    @property
    def options(self) -> Mapping[str, Any]:
        """The options with which the process is started, as `subprocess.Popen` takes them."""
        return {}

    def lend(self, script: Path, work: Path) -> None:
        """Let a script be read, and its folder be written, where the server's user does not run it."""

    def words(self, script: Path, work: Path, info: int) -> list[str]:
        """Return the words before the command of a script that works in a folder.

        Where they `supervise`, they write the id of the script's first process to the descriptor `info`, as
        `child-pid` of a JSON object.
        """
        return []
