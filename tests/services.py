"""The services that some tests need. Without its service a test is skipped, or fails if FABU_TEST_STRICT=1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from adapters.local.isolation.choose import choose_isolation
from adapters.local.settings import LocalSettings

STRICT = "FABU_TEST_STRICT"


def leave_out(what: str, why: str) -> NoReturn:
    """Skip the test, or fail it in strict mode. The summary counts skipped tests by `what` and `why`."""
    if os.environ.get(STRICT) == "1":
        pytest.fail(f"{what}: {why} ({STRICT}=1 allows no test to be left out)", pytrace=False)
    pytest.skip(f"{what}: {why}")


def require_bubblewrap() -> None:
    """Leave the test out where bubblewrap does not work."""
    if choose_isolation(LocalSettings(), Path("/nowhere"), ()).kind != "bwrap":
        leave_out("bubblewrap", "not installed, or the kernel forbids user namespaces")


def require_faketime() -> Path:
    """Return the library that gives a process another time (libfaketime); leave the test out where it is not there."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    if not found:
        leave_out("libfaketime", "not installed (on Debian: faketime)")
    return found[0]


@contextmanager
def fresh_database(service: str, address: str, *, drop: str = "DROP DATABASE {}") -> Iterator[str]:
    """Create an empty database on the server at `address`, and drop it afterwards."""
    url = make_url(address)
    name = f"fabu_test_{uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"connect_timeout": 3})
    reason = ""
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
    if reason:
        leave_out(service, f"not usable at {url.render_as_string()} ({reason})")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(drop.format(name))


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """Create an empty database on PostgreSQL, and drop it afterwards, even when it still has connections."""
    address = os.environ.get("FABU_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
    with fresh_database("PostgreSQL", address, drop="DROP DATABASE {} WITH (FORCE)") as url:
        yield url
