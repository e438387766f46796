"""Bring the tables of a database up to date. Alembic is imported only when there is something to do: it costs 0.3 s."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, inspect, text

from adapters.store.databases import parse_url, translated

HEAD = "0004"
"""The newest revision in `migrations/versions`. Revisions are named so that they sort."""


def is_current(url: str) -> bool:
    """Tell whether a database has all tables that this version needs; a newer one does, for `pre` migrations only add.

    Raises Unavailable when it does not answer.
    """
    engine = _engine(url)
    with translated(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision is not None and str(revision) >= HEAD


def upgrade(url: str) -> None:
    """Run the migrations that a database lacks. Raises Unavailable when it does not answer."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with translated(), _engine(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _engine(url: str) -> Engine:
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    return create_engine(parsed, poolclass=NullPool)
