"""The check-up of the local runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from adapters.local.doctor import REACH, examine
from adapters.local.isolation.base import Isolation
from adapters.local.isolation.bubblewrap import Bubblewrap
from adapters.local.settings import LocalSettings
from tests.adapters import wrong
from tests.services import leave_out
from tests.unit.adapters.local.conftest import shop_at

CONFINED = Bubblewrap(Path("/"), "bwrap")


async def test_local_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(await examine(LocalSettings(), tmp_path / "runs", CONFINED)) == []
    (tmp_path / "runs").mkdir(0o700)
    assert wrong(await examine(LocalSettings(), tmp_path / "runs", CONFINED)) == []
    (tmp_path / "runs").chmod(0o755)
    assert wrong(await examine(LocalSettings(), tmp_path / "runs", CONFINED)) == [
        f"{tmp_path / 'runs'} has the permissions 0755"
    ]
    (tmp_path / "runs").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wrong(await examine(LocalSettings(), tmp_path / "runs", CONFINED)) == ["there is no bash on this machine"]


async def test_scripts_that_nothing_confines_are_found(tmp_path: Path) -> None:
    assert wrong(await examine(LocalSettings(), tmp_path / "runs", Isolation(tmp_path, reason="no bwrap"))) == [
        f"{REACH['none']}; no bwrap"
    ]


async def accounts(tmp_path: Path, url: str) -> list[str]:
    """Return what is wrong with the account of a database."""
    return wrong(await examine(shop_at(url), tmp_path / "runs", CONFINED))


async def test_a_superuser_of_postgresql_is_found(tmp_path: Path, postgres_url: str) -> None:
    told = "its account has pg_execute_server_program, pg_read_server_files, pg_write_server_files, superuser"
    [found] = await accounts(tmp_path, postgres_url)
    assert found.startswith(f"local.databases.shop: {told}, so sql jobs reach files and programs")


@pytest.mark.parametrize(
    ("right", "found"), [("", ""), ("pg_read_server_files", "pg_read_server_files"), ("postgres", "superuser")]
)
async def test_an_account_of_postgresql_is_judged_by_its_roles(
    tmp_path: Path, postgres_url: str, right: str, found: str
) -> None:
    with account(postgres_url, "CREATE ROLE {} LOGIN PASSWORD 'p'", "DROP ROLE {}") as (url, name, execute):
        if right:
            execute(f'GRANT "{right}" TO {name}')
        assert [found in told for told in await accounts(tmp_path, url)] == ([True] if found else [])


@pytest.mark.parametrize(("right", "found"), [("", ""), ("FILE", "FILE"), ("ALL", "ALL PRIVILEGES")])
async def test_an_account_of_mariadb_is_judged_by_its_grants(
    tmp_path: Path, mariadb_url: str, right: str, found: str
) -> None:
    with account(mariadb_url, "CREATE USER {} IDENTIFIED BY 'p'", "DROP USER {}") as (url, name, execute):
        execute(f"GRANT ALL ON {make_url(mariadb_url).database}.* TO {name}")
        if right:
            execute(f"GRANT {right} ON *.* TO {name}")
        assert [f"has {found}," in told for told in await accounts(tmp_path, url)] == ([True] if found else [])


async def test_a_database_that_does_not_answer_is_found(tmp_path: Path) -> None:
    [found] = await accounts(tmp_path, "postgresql+psycopg://shop@127.0.0.1:1/shop")
    assert found.startswith("local.databases.shop cannot be opened (")


@contextmanager
def account(url: str, create: str, drop: str) -> Iterator[tuple[str, str, Callable[[str], None]]]:
    """Make an account on the server of a database; yield the URL with it, its name, and what runs a statement."""
    name = f"fabu_test_{uuid4().hex[:12]}"
    engine = create_engine(url, poolclass=NullPool)

    def execute(statement: str) -> None:
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            leave_out("an account that makes others", str(error.orig))

    execute(create.format(name))
    try:
        yield make_url(url).set(username=name, password="p").render_as_string(hide_password=False), name, execute
    finally:
        execute(drop.format(name))
