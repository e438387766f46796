"""The file of an SQLite database: where it is, whether it can be used, and whether it is still the one that was opened.

A server leaves a mark in the file of its lock: where there is one, a database that is missing was moved or removed, and
no new one is made in its place.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sqlalchemy.engine import make_url

from adapters.common.disk import find_shortage
from adapters.common.files import make_private_file
from adapters.store.troubles import CLOSED, DAMAGED, GONE, DatabaseTrouble, trouble_of
from core.errors import Unavailable
from core.messages import Message

log = logging.getLogger(__name__)

_MARK = (
    "A server has used {name}: without it, none is made in its place. Remove this file to begin with an empty one.\n"
)


def file_of(url: str) -> Path | None:
    """Return the real path of an SQLite database, with all links resolved; None for other databases."""
    return Path(os.path.realpath(make_url(url).database or "")) if url.startswith("sqlite") else None


def lock_of(path: Path) -> Path:
    """Return the file of the lock, beside the real database: all names of it share one."""
    return path.with_name(f"{path.name}.lock")


def is_missing(path: Path) -> bool:
    """Return whether there is no database at a path; an empty file is none."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def prepare(url: str) -> None:
    """Make the file of an SQLite database, unless it exists, so that a store can be opened; others need nothing.

    Raises Unavailable, with the cure, when it cannot be used, or when it was moved away.
    """
    path = file_of(url)
    if path is None:
        return
    if is_missing(path):
        require_first(path)
        if not path.exists():
            log.warning("a new, empty database is made: %s", path)
        with explain(path):
            make_private_file(path)
    require_usable(path)


def require_first(path: Path) -> None:
    """Raise Unavailable when a missing database was there before: a second one would be taken for it."""
    for trace in (lock_of(path), path.with_name(f"{path.name}-wal")):
        if trace.exists() and trace.stat().st_size:
            raise Unavailable(
                Message(
                    "{database} was moved, removed or emptied, for {trace} of it is still there: put it back, or bring "
                    "back a backup with `fabu restore`. To begin with an empty one, remove {trace}.",
                    {"database": str(path), "trace": str(trace)},
                )
            )


def require_usable(path: Path) -> None:
    """Raise Unavailable, with the cure, when a database that exists cannot be read and written, or has two names."""
    names = path.stat().st_nlink if path.is_file() else 0
    if not names:
        raise Unavailable(Message("{database} is no file: mend database.url.", {"database": str(path)}))
    if names > 1:
        raise Unavailable(
            Message(
                "{database} has {number} names (hard links), by which two servers would damage it: remove the others, "
                "and copy it with `fabu backup`.",
                {"database": str(path), "number": names},
            )
        )
    for place in (path, path.parent):
        if not os.access(place, os.R_OK | os.W_OK):
            raise Unavailable(_not_writable(place))


def connect(path: Path, mode: Literal["ro", "rw"] = "rw") -> sqlite3.Connection:
    """Connect to a database that exists, without SQLAlchemy. Raises sqlite3.Error."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None)


def check_pages(path: Path, mode: Literal["ro", "rw"] = "rw") -> None:
    """Read all pages of a database. Raises DatabaseTrouble when it is damaged, or cannot be read."""
    try:
        with closing(connect(path, mode)) as connection:
            [found, *_] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise DatabaseTrouble(trouble_of(error), error) from error
    if found != "ok":
        raise DatabaseTrouble(DAMAGED, found)


def mark_used(path: Path) -> None:
    """Leave the mark of a server that uses a database, unless it is there. Raises Unavailable when that fails."""
    lock = lock_of(path)
    if not is_missing(path) and not lock.stat().st_size:
        with explain(lock):
            lock.write_text(_MARK.format(name=path.name), encoding="utf-8")


class OpenedFile:
    """The file that a store has opened. When its path leads elsewhere, the store is of no use until the next start."""

    def __init__(self, url: str) -> None:
        """Remember which file a URL leads to; it has to exist."""
        self._path = Path(os.path.abspath(make_url(url).database or ""))  # noqa: PTH100 - links are followed later
        found = self._path.stat()
        self._identity = (found.st_dev, found.st_ino)
        self._gone = False

    def check(self) -> None:
        """Raise DatabaseTrouble when the path leads to another file, or to none, or did so before."""
        try:
            found = self._path.stat()
            self._gone |= (found.st_dev, found.st_ino) != self._identity
        except (FileNotFoundError, NotADirectoryError):
            self._gone = True
        except OSError as error:
            raise DatabaseTrouble(CLOSED, error.strerror) from error
        if self._gone:
            raise DatabaseTrouble(GONE, f"{self._path} is not the file that was opened any more")

    def has_room(self) -> bool:
        """Return whether there is room on the disk: on a full one some writes succeed, and others do not."""
        return not find_shortage(self._path.parent)


@contextmanager
def explain(path: Path) -> Iterator[None]:
    """Turn an error of the file system into Unavailable with the cure."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Unavailable(_not_writable(path)) from None
        words = {"path": str(path), "reason": str(error.strerror)}
        raise Unavailable(Message("{path} cannot be written ({reason}): mend this, or database.url.", words)) from None


def _not_writable(path: Path) -> Message:
    return Message(
        "{path} cannot be written: let it belong to the server's user, and its disk be mounted for writing.",
        {"path": str(path)},
    )
