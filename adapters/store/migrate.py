"""Migrations of a database to the tables of this version. Alembic is imported only when a migration is missing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, insert, inspect, text

from adapters.store.sql.databases import connectable, parse_url, translate_errors
from adapters.store.sql.tables import counters, metadata
from adapters.store.sqlite_file import prepare

HEAD = "0018"
"""The newest revision in `migrations/versions`. Revisions are named so that they sort."""
_VERSION_TABLE = (
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def is_current(url: str) -> bool:
    """Return whether a database has all tables that this version needs.

    A newer database has them too: `pre` migrations only add. Raises Unavailable when it does not answer.
    """
    return read_revision(url) >= HEAD


def read_revision(url: str) -> str:
    """Return the revision of a database's tables, empty when they are not Fabu's. Raises as `is_current` does."""
    with translate_errors(), open_engine(url).connect() as connection:
        return _read_revision(connection)


def upgrade(url: str) -> None:
    """Migrate a database in one transaction. One without tables gets them as they are declared.

    The file of an SQLite database is made when it is missing. Raises Unavailable when the database cannot be used.
    """
    prepare(url)
    with translate_errors(), open_engine(url).begin() as connection:
        if connection.dialect.name == "sqlite":  # the driver begins no transaction for DDL
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not inspect(connection).get_table_names():
            create_tables(connection)
        elif _read_revision(connection) < HEAD:
            migrate(connection)


def migrate(connection: Connection) -> None:
    """Run the missing migrations. The import of Alembic takes 0.3 s, and 11 MB until the process ends."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def create_tables(connection: Connection) -> None:
    """Create the tables that all migrations together create (a test compares them)."""
    metadata.create_all(connection)
    connection.execute(insert(counters), [{"name": name, "value": 0} for name in ("plans", "log")])
    connection.execute(text(_VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _read_revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def open_engine(url: str) -> Engine:
    """Return an engine whose connections are opened when they are used, and closed after it."""
    return create_engine(connectable(parse_url(url)), poolclass=NullPool)
