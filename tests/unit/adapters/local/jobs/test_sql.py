"""SQL jobs on real databases: SQLite, MariaDB and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from core.status import RunStatus
from tests.unit.adapters.local.conftest import Desk, order, script, shop_at, sql, workflow
from tests.waiting import until

PASSED = (RunStatus.PASSED, "")
SLEEP = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "mysql": "SELECT SLEEP(1000)",
    "postgresql": "SELECT pg_sleep(1000)",
}


@pytest.fixture(params=["sqlite", "mariadb_url", "postgres_url"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stock (name VARCHAR(40), n INTEGER)")
        connection.exec_driver_sql("INSERT INTO stock VALUES ('tea', 3), ('rice', NULL)")
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE stock")


@pytest.fixture
async def desk(url: str, engine: Engine, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "runs", shop_at(url), grace=5)
    yield desk
    await desk.runner.close()


@pytest.fixture
def stock(engine: Engine) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        with engine.connect() as connection:
            return {row.name: row.n for row in connection.exec_driver_sql("SELECT name, n FROM stock")}

    return read


async def test_statements_run_in_order_and_show_what_came_of_them(desk: Desk, stock: Callable[[], Any]) -> None:
    text = """
        -- 100%; of the stock
        UPDATE stock SET n = 5 WHERE name = 'tea'; /* ; */
        INSERT INTO stock VALUES ('a;b', 1), ('it''s 5%', 2);
        SELECT name, n FROM stock ORDER BY name DESC
    """
    assert await desk.run(sql(text)) == PASSED
    assert stock() == {"tea": 5, "rice": None, "a;b": 1, "it's 5%": 2}
    output = desk.runner.output("r1")
    assert "statement 1: rows affected: 1\nstatement 2: rows affected: 2\nstatement 3: rows: 4\n" in output
    assert "| name    | n    |\n|---------+------|\n| tea     | 5    |\n| rice    | NULL |\n" in output
    assert output.endswith("committed\n== passed\n")


async def test_a_failing_statement_undoes_all(desk: Desk, stock: Callable[[], Any]) -> None:
    status, detail = await desk.run(sql("UPDATE stock SET n = 0; SELECT * FROM nowhere"), script("echo unreached"))
    assert status is RunStatus.FAILED
    assert detail.startswith("stage/sql: ")
    assert "nowhere" in detail
    assert stock() == {"tea": 3, "rice": None}
    output = desk.runner.output("r1")
    assert "committed" not in output
    assert "unreached" not in output


def sleeping(engine: Engine) -> bool:
    others = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        return any("pg_sleep(1000)" in query for (query,) in connection.exec_driver_sql(others))


async def test_cancel_interrupts_the_statement_and_undoes_all(
    desk: Desk, engine: Engine, stock: Callable[[], Any]
) -> None:
    await desk.start(sql("; ".join(("UPDATE stock SET n = 0", SLEEP[engine.dialect.name], "DELETE FROM stock"))))
    if engine.dialect.name == "postgresql":  # it answers for all statements at once
        await until(lambda: sleeping(engine))
    else:
        await desk.output_with("statement 1: rows affected: 2")
    await desk.cancel()
    assert await desk.end() == (RunStatus.CANCELLED, "cancelled with its plan")
    assert stock() == {"tea": 3, "rice": None}


async def test_of_many_rows_the_first_are_shown(desk: Desk) -> None:
    values = ", ".join(f"('row {number}', {number})" for number in range(3000))
    statements = (f"INSERT INTO stock VALUES {values}", "SELECT * FROM stock", "UPDATE stock SET n = 1")  # noqa: S608
    assert await desk.run(sql(";".join(statements))) == PASSED
    output = desk.runner.output("r1")
    assert "statement 2: rows: 3002, the first 20 are shown\n" in output
    assert "| row 17 | 17   |" in output
    assert "row 18" not in output


async def test_long_values_are_cut(desk: Desk) -> None:
    await desk.run(sql(f"SELECT '{'x' * 100}' AS wide, '[red]' AS plain"))
    assert f"| {'x' * 59}… | [red] |" in desk.runner.output("r1")


async def test_a_procedure_with_statements_inside_is_one_statement(mariadb_url: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, shop_at(mariadb_url))
    procedure = "CREATE PROCEDURE two() BEGIN DECLARE i INT; SET i = 7; SELECT i; SELECT i + 1; END"
    assert await desk.run(sql(f"{procedure}; CALL two(); DROP PROCEDURE two")) == PASSED
    assert "| 8     |" in desk.runner.output("r1")
    await desk.runner.close()


async def test_a_time_limit_interrupts_the_statement_and_undoes_all(
    desk: Desk, engine: Engine, stock: Callable[[], Any]
) -> None:
    statements = "; ".join(("UPDATE stock SET n = 0", SLEEP[engine.dialect.name]))
    assert await desk.run(sql(statements, timeout="1s")) == (RunStatus.TIMEOUT, "stage/sql: not done within 1s")
    assert stock() == {"tea": 3, "rice": None}


async def test_without_a_transaction_what_ran_before_a_failure_stays(desk: Desk, stock: Callable[[], Any]) -> None:
    text = "UPDATE stock SET n = 5 WHERE name = 'tea'; DELETE FROM stock WHERE name = 'rice'; SELECT * FROM nowhere"
    status, detail = await desk.run(sql(text, transaction=False))
    assert status is RunStatus.FAILED
    assert "nowhere" in detail
    assert detail.endswith(" (statements completed before, not undone: 2)")
    assert stock() == {"tea": 5}
    assert "committed" not in desk.runner.output("r1")


OUTSIDE = {
    "sqlite": "VACUUM; SELECT 'done; all'",
    "mysql": "CREATE INDEX stock_name ON stock (name); SELECT 'done; all'",
    "postgresql": """
        CREATE INDEX CONCURRENTLY stock_name ON stock (name); -- and; then
        DROP INDEX CONCURRENTLY stock_name;
        SELECT 'done; all';
    """,
}


async def test_without_a_transaction_runs_what_must_run_outside_one(desk: Desk, engine: Engine) -> None:
    assert await desk.run(sql(OUTSIDE[engine.dialect.name], transaction=False)) == PASSED
    assert "done; all" in desk.runner.output("r1")


async def test_a_credential_that_a_database_quotes_is_not_shown(desk: Desk, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX stock_names ON stock (name)")
    secret = "5ecret"
    params = [{"name": "KEY", "value": secret, "is_credential": True}]
    insert = f"INSERT INTO stock VALUES ('{secret}', 1)"  # noqa: S608
    for text in (f"{insert}; {insert}", f"DROP TABLE {secret}", f"SELECT '{secret}"):
        desk.told.clear()
        await desk.runner.start(order(workflow(sql(text), params=params), run_id := f"r{len(text)}"))
        status, detail = await desk.end(run_id)
        assert status is RunStatus.FAILED
        assert secret not in desk.runner.output(run_id) + detail


@pytest.mark.parametrize(
    "address", ["postgresql+psycopg://u:s3cret@127.0.0.1:1/x", "mysql+pymysql://u:s3cret@127.0.0.1:1/x"]
)
async def test_the_password_of_a_database_is_not_shown(tmp_path: Path, address: str) -> None:
    desk = Desk(tmp_path, shop_at(address))
    await desk.run(script("echo s3cret"), sql("SELECT 1"))
    status, detail = await desk.end()
    assert status is RunStatus.FAILED
    assert "s3cret" not in desk.runner.output("r1") + detail
    await desk.runner.close()
