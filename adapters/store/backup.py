"""Backups of a database, and how one is brought back.

A backup is one SQLite file with all tables, whatever the database is: SQLite copies its pages, from PostgreSQL the rows
are read in one snapshot. Servers go on meanwhile. It can be brought back to either kind of database.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Integer, delete, exists, func, insert, inspect, select
from sqlalchemy import text as sql

from adapters.common.files import make_private_file
from adapters.store.lock import lock_file
from adapters.store.migrate import HEAD, create_tables, is_current, open_engine, upgrade
from adapters.store.sql.databases import translate_errors
from adapters.store.sql.tables import counters, metadata
from adapters.store.sqlite_file import check_pages, connect, file_of, is_missing, mark_used, require_usable
from adapters.store.troubles import DatabaseTrouble

_PART = ".part"
"""The end of the name of a backup that is not complete."""
_ROWS = 1000
"""How many rows are in memory at once."""
_SERVERS = sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fabu'")


class Refused(Exception):
    """A backup cannot be written or brought back as things are; the sentence, for operators alone, has the cure."""


@contextmanager
def writing_backup(url: str, file: Path) -> Iterator[str]:
    """Copy a database, and yield the URL of the copy for checks; without an error in the block it becomes `file`.

    Raises Refused when the file exists or cannot be written, DatabaseTrouble when the database cannot be read.
    """
    with _new_file(file) as part:
        if path := file_of(url):
            require_usable(path)
            _copy_pages(path, part)
        else:
            _copy_from_server(url, part)
        yield f"sqlite:///{part}"
        _close_file(part)
        check_pages(part, "ro")


@contextmanager
def bringing_back(file: Path, url: str) -> Iterator[str]:
    """Copy a backup, and yield the URL of the copy for checks; without an error in the block it becomes the database.

    Raises Refused when the file is no backup, when there are plans or people in the database, or when a server uses it.
    """
    _require_backup(file)
    path = file_of(url)
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "backup.db"
            yield _copy_backup(file, part)
            _copy_to_server(part, url)
        return
    with lock_file(path), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _require_no_file(path)
        part = Path(folder) / path.name
        yield _copy_backup(file, part)
        _close_file(part)
        with _explain_write(path):
            part.replace(path)
        mark_used(path)


@contextmanager
def _new_file(file: Path) -> Iterator[Path]:
    """Yield a private file beside `file` that takes its name at the end; after an error there is neither of them."""
    part = file.with_name(f"{file.name}{_PART}")
    with _explain_write(file):
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            raise Refused(f"{file} exists already: name a new file.") from None
        part.unlink(missing_ok=True)
        make_private_file(part)
    try:
        yield part
        with _explain_write(file):
            part.replace(file)
    finally:
        part.unlink(missing_ok=True)
        if is_missing(file):
            file.unlink(missing_ok=True)


@contextmanager
def _explain_write(file: Path) -> Iterator[None]:
    """Turn the errors of writing a file into Refused."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        file = file.with_suffix("") if file.suffix == _PART else file
        raise Refused(f"{file} cannot be written ({reason}): name another one.") from None


def _copy_pages(source: Path, target: Path) -> None:
    """Copy an SQLite database in one read transaction, beside which others write."""
    with _explain_write(target), closing(connect(source)) as reading, closing(connect(target)) as writing:
        reading.backup(writing)


def _copy_backup(file: Path, part: Path) -> str:
    """Copy the file of a backup, bring its tables up to this version, and return its URL."""
    with _explain_write(part):
        make_private_file(part)
        shutil.copyfile(file, part)
    url = f"sqlite:///{part}"
    if not is_current(url):
        upgrade(url)
    return url


def _close_file(path: Path) -> None:
    """Leave nothing of a database beside its file, and make the file durable."""
    with _explain_write(path), closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _require_backup(file: Path) -> None:
    """Raise Refused unless a file is a whole backup, whose tables this version knows."""
    if is_missing(file):
        raise Refused(f"There is no {file}: name the file of a backup.")
    try:
        check_pages(file, "ro")
        revision = _revision_of_file(file)
    except (DatabaseTrouble, sqlite3.Error) as error:
        reason = getattr(error, "reason", error)
        raise Refused(f"{file} is no whole backup ({reason}): take another.") from None
    if revision > HEAD:
        raise Refused(f"{file} was written by a newer version of Fabu: install that one first.")


def _revision_of_file(file: Path) -> str:
    with closing(connect(file, "ro")) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _require_no_file(path: Path) -> None:
    """Raise Refused where there is a database already, or the rest of one, which would get into the new one."""
    rest = path.with_name(f"{path.name}-wal")
    for each in (path, rest):
        if not is_missing(each):
            raise Refused(f"{each} exists already: move it away first.")


def _copy_from_server(url: str, target: Path) -> None:
    """Copy all rows of a database on PostgreSQL, as they are at one moment."""
    if not is_current(url):
        raise Refused("The tables are not of this version: run `fabu db upgrade`, or back up with the earlier version.")
    engine = open_engine(url).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with translate_errors(), engine.connect() as reading, open_engine(f"sqlite:///{target}").begin() as writing:
        create_tables(writing)
        _copy_rows(reading, writing)


def _copy_to_server(source: Path, url: str) -> None:
    """Bring all rows of a backup to an empty database on PostgreSQL, in one transaction."""
    with (
        translate_errors(),
        open_engine(f"sqlite:///{source}").connect() as reading,
        open_engine(url).begin() as writing,
    ):
        _require_empty(writing)
        _copy_rows(reading, writing)
        for table in metadata.sorted_tables:
            key = table.autoincrement_column
            if key is not None and isinstance(key.type, Integer) and key.autoincrement is True:
                name = func.pg_get_serial_sequence(table.name, key.name)
                newest = select(func.coalesce(func.max(key), 0) + 1).scalar_subquery()
                writing.execute(select(func.setval(name, newest, False)))


def _require_empty(connection: Connection) -> None:
    """Make the tables where there are none, and lock them. Raises Refused where anything is in them, or in use."""
    if connection.execute(_SERVERS).scalar():
        raise Refused("A server of Fabu is connected to this database: stop it first.")
    if not inspect(connection).get_table_names():
        create_tables(connection)
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    connection.execute(sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    for table in metadata.sorted_tables:
        if table is not counters and connection.execute(select(exists(select(table.c[0])))).scalar():
            raise Refused(f"The table {table.name} is not empty: make an empty database, and name it in database.url.")


def _copy_rows(reading: Connection, writing: Connection) -> None:
    """Copy the rows of all tables, in an order in which each finds those that it refers to."""
    writing.execute(delete(counters))
    for table in metadata.sorted_tables:
        rows = reading.execution_options(yield_per=_ROWS).execute(select(table)).mappings()
        for part in rows.partitions():
            writing.execute(insert(table), [dict(row) for row in part])
