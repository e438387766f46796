"""How a replica listens to a PostgreSQL that is away for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from adapters.store.sql import listening
from adapters.store.sql.databases import parse_url
from tests.services import fresh_database
from tests.waiting import until

_END_CONNECTIONS = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :database")


@pytest.fixture
def server(postgres_url: str) -> Iterator[Connection]:
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        yield connection


async def test_a_loss_and_a_return_are_logged_once_each_and_the_replica_is_notified(
    postgres_url: str, server: Connection, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", listening.__name__)
    monkeypatch.setattr(listening, "_RETRY_SECONDS", 0.02)
    tries: list[str] = []
    connect = psycopg.connect

    def count(*args: Any, **options: Any) -> psycopg.Connection:
        tries.append("")
        return connect(*args, **options)

    monkeypatch.setattr(psycopg, "connect", count)
    with fresh_database("PostgreSQL", postgres_url) as url:
        database = parse_url(url).database
        notified: list[str] = []
        listener = listening.Listener(parse_url(url), "me", lambda: notified.append(""))
        await until(lambda: len(notified) == 1)
        server.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        server.execute(_END_CONNECTIONS, {"database": database})
        await until(lambda: caplog.records)
        tries.clear()
        await until(lambda: len(tries) > 3)
        server.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        await until(lambda: len(notified) == 2)
        listener.close()
    lost, restored = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lost[0] == "WARNING"
    assert lost[1].endswith("; start it, or check database.url")
    assert restored == ("INFO", "PostgreSQL can be reached again")
