"""Opens the store of a URL, and finds its folder on this machine."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from adapters.common.system import SystemClock
from core.errors import Unavailable
from core.messages import Message
from core.ports.clock import Clock
from core.ports.store import Store

LARGEST = 1024**3
"""The size in bytes up to which a database is read for damage: that takes a few seconds."""


def open_store(url: str, secret_key: bytes, clock: Clock | None = None) -> Store:
    """Open `sqlite:///FILE`, `postgresql://…` or `memory://` (lost at the end of the process).

    An SQLite database is created and upgraded here, which blocks; one on PostgreSQL is upgraded by `fabu db upgrade`,
    once for all replicas. Raises ValueError for another URL, Unavailable when the database does not answer, is not
    upgraded, or is a file that cannot be used or was moved away.
    """
    if url == "memory://":
        from adapters.store.memory import MemoryStore

        return MemoryStore(clock or SystemClock())
    from adapters.store.migrate import is_current, upgrade
    from adapters.store.sql.databases import parse_url
    from adapters.store.sql.store import SqlStore
    from adapters.store.sqlite_file import prepare

    parsed = parse_url(url)
    prepare(url)
    if not is_current(url):
        if parsed.get_backend_name() != "sqlite":
            raise Unavailable(Message("The database is not made for this version of Fabu yet. Run: fabu db upgrade"))
        upgrade(url)
    return SqlStore(parsed, secret_key, clock or SystemClock())


def holds_plans(url: str) -> bool:
    """Return whether there is an SQLite database at a URL, and plans in it."""
    if not url.startswith("sqlite"):
        return False
    from sqlalchemy import make_url

    path = Path(make_url(url).database or "")
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM plans LIMIT 1").fetchone() is not None
    except sqlite3.DatabaseError:  # no database of Fabu yet, or one that the store will complain of
        return False


def find_damage(url: str) -> str:
    """Read a whole SQLite database, which blocks; return what is wrong with it and the cure, nothing when it is well.

    One that is larger than `LARGEST` is not read.
    """
    if not url.startswith("sqlite"):
        return ""
    from adapters.store.sqlite_file import check_pages, file_of
    from adapters.store.troubles import DAMAGED, DatabaseTrouble

    path = file_of(url)
    if path is None or not path.is_file() or path.stat().st_size > LARGEST:
        return ""
    try:
        check_pages(path)
    except DatabaseTrouble as error:
        if error.trouble is DAMAGED:
            return f"the database is damaged ({error.reason}); {DAMAGED.cure}"
    return ""


def data_folder(url: str) -> Path | None:
    """Return the folder of an SQLite database, or the working folder for plans in memory; None for PostgreSQL."""
    if url.startswith("memory:"):
        return Path()
    from sqlalchemy import make_url

    parsed = make_url(url)
    return Path(parsed.database or "").absolute().parent if parsed.get_backend_name() == "sqlite" else None
