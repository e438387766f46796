"""Fixtures for the services that tests may use, and a summary of the tests that were skipped."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from yarl import URL

from tests.services import fresh_database, fresh_postgres, require_listener


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of a new PostgreSQL database for this test run."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The SQLAlchemy URL of a new MariaDB database for this test run."""
    address = os.environ.get("FABU_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306")
    with fresh_database("MariaDB", address) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis server. Others may use it too, so keys need a prefix."""
    url = URL(os.environ.get("FABU_TEST_REDIS", "redis://127.0.0.1:6379/0"))
    require_listener("Redis", url.host or "127.0.0.1", url.port or 6379)
    return str(url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests with their reasons."""
    reports = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in sorted(reasons.items()):
        what, _, why = reason.partition(": ")
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"Left out: {what} ({tests}): {why}", yellow=True)
