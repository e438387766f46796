"""The check-up of the store: whether its database answers, whether its tables are current, and what time it has."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from adapters.common.disk import check_room
from adapters.common.files import check_private
from adapters.store.migrate import is_current
from adapters.store.settings import DatabaseSettings
from adapters.store.sql.databases import parse_url
from adapters.store.sqlite_file import check_pages, file_of, is_missing, require_first, require_usable
from adapters.store.troubles import DatabaseTrouble
from core.errors import Unavailable
from core.ports.checkup import Finding


async def examine(settings: DatabaseSettings) -> list[Finding]:
    """Check whether the database answers and has the tables of this version."""
    url = settings.url
    if url.startswith("memory:"):
        return [Finding(True, "plans are kept in memory and are lost when the server stops")]
    try:
        display_url = parse_url(url).render_as_string()
        path = file_of(url)
        if path and is_missing(path):
            require_first(path)
            return [Finding(True, f"{display_url} will be made at the first start")]
        if path:
            require_usable(path)
            await asyncio.to_thread(check_pages, path)
        current = await asyncio.to_thread(is_current, url)
    except ValueError as error:
        return [Finding(False, "database.url cannot be read", str(error))]
    except DatabaseTrouble as error:
        reason = error.reason.partition("\n")[0]
        return [Finding(False, f"the database does not answer: {reason}", error.trouble.cure)]
    except Unavailable as error:
        text, _, cure = str(error).partition(": ")
        return [Finding(False, text, cure)]
    return [
        *_permissions(path),
        *(check_room(path.parent) if path else ()),
        Finding(True, f"{display_url} answers"),
        Finding(current, "its tables fit this version" if current else "its tables are older", "run `fabu db upgrade`"),
    ]


def _permissions(path: Path | None) -> list[Finding]:
    """Check that only the owner of an SQLite database can read its files."""
    if path is None:
        return []
    files = [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal", "-shm", ".lock")]
    return check_private(files) or [Finding(True, "only their owner can read the files of the database")]


def is_new_file(url: str) -> bool:
    """Return whether a URL names an SQLite database that the first start will create."""
    path = file_of(url)
    return path is not None and is_missing(path)


async def server_time(settings: DatabaseSettings) -> datetime | None:
    """Return the time on the machine of the database; None when that is this machine, or when it does not answer."""
    if not settings.url.startswith("postgresql"):
        return None
    return await asyncio.to_thread(_server_time, settings.url)


def _server_time(url: str) -> datetime | None:
    engine = create_engine(parse_url(url), connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return connection.execute(select(func.now())).scalar_one()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
