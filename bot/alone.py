"""One server at a time on an SQLite database: each of two would take what the other is doing for abandoned."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from config.settings import Settings
from core.errors import Unavailable


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep other servers off a database in a file; the kernel lets go of it even after a crash.

    Raises Unavailable when another server has it.
    """
    url = settings.database.url
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
