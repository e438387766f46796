"""SQL that reaches out of its database: what the driver can forbid is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from adapters.local.settings import LocalSettings
from config.settings import Settings
from core.status import RunStatus
from tests.unit.adapters.local.conftest import Desk, shop_at, sql

SECRET = "hidden-from-sql"
REFUSED = {
    "another database": ("ATTACH '{other}' AS other; SELECT * FROM other.secrets", "ATTACH or VACUUM INTO"),
    "one whose name is computed": ("ATTACH '{folder}' || '/other.db' AS o; SELECT * FROM o.secrets", "ATTACH or"),
    "a new file": ("VACUUM INTO '{folder}/copy.db'", "ATTACH or VACUUM INTO"),
    "a folder of other files": ("PRAGMA temp_store_directory = '{folder}'", "PRAGMA temp_store_directory"),
    "the memory of the server": ("PRAGMA hard_heap_limit = 1", "PRAGMA hard_heap_limit"),
    "the schema itself": ("PRAGMA writable_schema = ON", "PRAGMA writable_schema"),
    "a library": ("SELECT load_extension('{folder}/library.so')", "load_extension()"),
}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE secrets (secret TEXT)")
        connection.execute("INSERT INTO secrets VALUES (?)", [SECRET])
    connection.close()
    return path


@pytest.mark.parametrize("what", REFUSED)
async def test_sqlite_stays_in_its_database(tmp_path: Path, other: Path, what: str) -> None:
    text, named = REFUSED[what]
    desk = Desk(tmp_path / "runs", shop_at(f"sqlite:///{tmp_path}/shop.db"))
    job = sql(text.format(other=other, folder=tmp_path), transaction=False)
    status, detail = await desk.run(job)
    assert status is RunStatus.FAILED
    assert detail.startswith(f"stage/sql: {named}")
    assert "is refused: an sql job reaches its own database alone" in detail
    assert SECRET not in desk.runner.output("r1")
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("text", ["VACUUM", "PRAGMA foreign_keys = ON", "SELECT name FROM pragma_table_info('t')"])
async def test_what_concerns_the_database_alone_is_allowed(tmp_path: Path, text: str) -> None:
    desk = Desk(tmp_path / "runs", shop_at(f"sqlite:///{tmp_path}/shop.db"))
    assert await desk.run(sql(text, transaction=False)) == (RunStatus.PASSED, "")


async def test_mariadb_gets_no_file_of_this_machine(tmp_path: Path, mariadb_url: str) -> None:
    file = tmp_path / "fabu.key"
    file.write_text(SECRET)
    url = make_url(mariadb_url).update_query_dict({"local_infile": "1"}).render_as_string(hide_password=False)
    desk = Desk(tmp_path / "runs", shop_at(url))
    text = f"CREATE TABLE t (v TEXT); LOAD DATA LOCAL INFILE '{file}' INTO TABLE t; SELECT v FROM t"  # noqa: S608 - no input
    assert (await desk.run(sql(text)))[0] is RunStatus.FAILED
    assert SECRET not in desk.runner.output("r1")


async def test_postgresql_gets_no_file_of_this_machine(tmp_path: Path, postgres_url: str) -> None:
    """What its server reads and writes is up to the account: doctor looks at it."""
    desk = Desk(tmp_path / "runs", shop_at(postgres_url))
    status, _ = await desk.run(sql("CREATE TABLE t (v TEXT); COPY t FROM STDIN"))
    assert status is RunStatus.FAILED


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("sqlite:///fabu.db", "sqlite:///./fabu.db?timeout=5"),
        ("postgresql+psycopg://fabu:a@db/fabu", "postgresql+psycopg://shop:b@db/fabu"),
    ],
)
def test_fabus_own_database_is_none_for_jobs(own: str, named: str) -> None:
    with pytest.raises(ValidationError, match=r"local\.databases\.shop: this is Fabu's own database"):
        Settings.model_validate({"database": {"url": own}, "local": LocalSettings(databases={"shop": named})})
