"""The lock that permits only one server on an SQLite database: a second one would repeat deliveries of the first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.common.files import make_private_folder, open_private
from adapters.store.sqlite_file import explain, file_of, is_missing, lock_of, mark_used, require_first, require_usable
from core.errors import Unavailable
from core.messages import Message


@contextmanager
def exclusive_lock(url: str) -> Iterator[None]:
    """Hold the lock of a database in a file, and none for other databases. The kernel releases it after a crash too.

    Raises Unavailable when another server holds the lock, or when the file of the database cannot be used.
    """
    path = file_of(url)
    if path is None:
        yield
        return
    if is_missing(path):
        require_first(path)
    else:
        require_usable(path)
    with lock_file(path):
        mark_used(path)
        try:
            yield
        finally:
            mark_used(path)


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Hold the lock of an SQLite database. Raises Unavailable when another process holds it."""
    with explain(path.parent):
        make_private_folder(path.parent)
        lock = open(lock_of(path), "a", opener=open_private)  # noqa: SIM115 - closed below
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                Message("Another server runs on this database. Stop it first, or use PostgreSQL.")
            ) from None
        yield
