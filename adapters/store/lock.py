"""The lock that keeps a second server off an SQLite database: either would take the other's work for abandoned."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from core.errors import Unavailable


@contextmanager
def exclusive(url: str) -> Iterator[None]:
    """Keep other servers off a database in a file; the kernel releases the lock even after a crash.

    Raises Unavailable when another server holds it.
    """
    if not url.startswith("sqlite"):
        yield
        return
    file = Path(make_url(url).database or "")
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("Another server runs on this database. Stop it first, or use PostgreSQL.") from None
        yield
