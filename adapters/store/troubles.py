"""What can be wrong with a database: what people read of it, and the cure for those who run Fabu."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.errors import Unavailable
from core.messages import Message


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. Everybody reads `message`; only the log and the command line have the `cure`.

    `until_written` is whether a transaction that changes nothing succeeds meanwhile, so that it proves nothing.
    """

    message: Message
    cure: str
    until_written: bool = False


AWAY: Final = Trouble(Message.from_source(Unavailable.message, {}), "start it, or mend database.url")
BUSY: Final = Trouble(AWAY.message, "end the other program that writes to it")
FULL: Final = Trouble(
    Message("The disk of Fabu's database is full. Nothing was changed; whoever runs Fabu has to make room on it."),
    "make room on its disk",
    until_written=True,
)
FAILING: Final = Trouble(
    Message("The disk of Fabu's database fails. Nothing was changed; whoever runs Fabu has to look at it."),
    "look at the free space of its disk, and at the system's log",
    until_written=True,
)
READ_ONLY: Final = Trouble(
    Message("Fabu's database can only be read. Nothing was changed; whoever runs Fabu has to let it be written."),
    "let the server's user write the file and its folder, and the disk be mounted for writing",
    until_written=True,
)
CLOSED: Final = Trouble(
    Message("Fabu's database cannot be opened. Whoever runs Fabu has to let the server read and write it."),
    "let the server's user read and write the file and its folder",
)
DAMAGED: Final = Trouble(
    Message("Fabu's database is damaged. Whoever runs Fabu has to stop it and restore a backup."),
    "stop Fabu, move the file away, and bring back a backup with `fabu restore`",
)
GONE: Final = Trouble(
    Message(
        "The file of Fabu's database was moved, removed or replaced while Fabu runs. Nothing was changed; whoever runs "
        "Fabu has to stop it, put the file back and start it again."
    ),
    "stop Fabu, put the file back, and start it again",
)

_OF_SQLITE: Mapping[int, Trouble] = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: CLOSED,
    sqlite3.SQLITE_PERM: CLOSED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
"""By the primary result code, the low byte of an extended one (sqlite.org/rescode.html)."""
_OF_POSTGRESQL: Mapping[str, Trouble] = {"53100": FULL, "58030": FAILING, "25006": READ_ONLY}
"""PostgreSQL, appendix A: disk_full, io_error, read_only_sql_transaction."""


class DatabaseTrouble(Unavailable):
    """The database cannot be used, for a `reason` in the words of its driver or of the system."""

    def __init__(self, trouble: Trouble, reason: object) -> None:
        self.trouble, self.reason = trouble, str(reason)
        super().__init__(trouble.message)


def trouble_of(error: BaseException | None) -> Trouble:
    """Return what an error of the driver says about the database."""
    if isinstance(error, sqlite3.Error):
        return _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, AWAY)
    return _OF_POSTGRESQL.get(getattr(error, "sqlstate", None) or "", AWAY)
