"""The lock that permits only one server on an SQLite database: a second one would repeat deliveries of the first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from adapters.common.files import open_private
from core.errors import Unavailable
from core.messages import Message


@contextmanager
def exclusive_lock(url: str) -> Iterator[None]:
    """Hold the lock of a database in a file, and none for other databases. The kernel releases it after a crash too.

    Raises Unavailable when another server holds the lock.
    """
    if not url.startswith("sqlite"):
        yield
        return
    file = Path(make_url(url).database or "")
    with open(file.with_name(f"{file.name}.lock"), "w", opener=open_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                Message("Another server runs on this database. Stop it first, or use PostgreSQL.")
            ) from None
        yield
