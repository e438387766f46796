"""What holds for every test: its environment, the services that it may use, and a summary of what was skipped."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from datetime import timedelta

import hypothesis
import pytest

from tests.environment import clean_environment
from tests.services import fresh_database, fresh_postgres

hypothesis.settings.register_profile(
    "fabu",
    deadline=None,  # how long an example takes says how busy the machine is
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fabu")


@pytest.hookimpl(trylast=True)  # pytest itself obeys NO_COLOR and the like
def pytest_configure(config: pytest.Config) -> None:
    """Take the developer's environment away before a test module is imported."""
    stack = ExitStack()
    stack.enter_context(clean_environment())
    config.add_cleanup(stack.close)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_in_this_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder: in that of the repository there may be a developer's `fabu.toml`."""
    with chdir(tmp_path_factory.mktemp("empty")):
        yield


@pytest.fixture(autouse=True)
def _cards_do_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Update the cards of plans under way at once: tests would wait for each item."""
    from bot.outbox import cards  # not before the environment is clean

    monkeypatch.setattr(cards, "PAUSES", {0: timedelta()})


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests with their reasons."""
    reports = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in sorted(reasons.items()):
        what, _, why = reason.partition(": ")
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"Left out: {what} ({tests}): {why}", yellow=True)
