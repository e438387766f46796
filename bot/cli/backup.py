"""`fabu backup` and `fabu restore`: a copy of the database in one file, and a database of such a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.failure import Failure
from bot.cli.options import Config

if TYPE_CHECKING:
    from bot.cli.verifying import Report
    from config.settings import Settings
    from core.ports.store import Store

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the backup.", show_default=False)]
Verify = Annotated[
    bool, typer.Option(help="Verify the log of the copy as `fabu audit verify` does: it is all in memory.")
]


def backup(file: File, verify: Verify = True, config: Config = None) -> None:
    """Copy the database to a new file, also while servers use it.

    The file is for its owner alone, and the same for SQLite and PostgreSQL. The secret key is not in it.
    """
    from adapters.store.backup import writing_backup
    from adapters.store.migrate import is_current
    from bot.cli.configuration import read_settings
    from bot.cli.database import installation_secret, require_database

    settings = read_settings(config)
    require_database(settings)
    secret = installation_secret(settings, make=False)
    report: Report | None = None
    with _explained(), writing_backup(settings.database.url, file) as copy:
        if is_current(copy):
            report = _check(copy, settings, secret, verify=verify)
    typer.echo(f"The backup is {file} ({file.stat().st_size / 1e6:.1f} MB). {_describe(report)}")
    typer.echo(f"The secret key is not in it, and it is of no use without: keep {_name_secret(settings)} as well.")
    if report and report.problems:
        raise Failure("\n".join((*report.problems, "The log does not fit: compare with an earlier backup.")))


def restore(file: File, verify: Verify = True, config: Config = None) -> None:
    """Make the database of the settings from a backup: an SQLite file that does not exist, or an empty PostgreSQL.

    No server may run on it. What was to be sent when the backup was taken is sent when the server starts.
    """
    from adapters.store.backup import bringing_back
    from bot.cli.configuration import read_settings
    from bot.cli.database import installation_secret, require_database

    settings = read_settings(config)
    require_database(settings)
    secret = installation_secret(settings, make=False)
    with _explained(), bringing_back(file, settings.database.url) as copy:
        report = _check(copy, settings, secret, verify=verify)
        if report and report.problems:
            raise Failure("\n".join((*report.problems, "The log does not fit: take another backup, or --no-verify.")))
    typer.echo(f"The database is that of {file}. {_describe(report)}")
    typer.echo("What was to be sent when the backup was taken is sent when the server starts.")


def _check(copy: str, settings: Settings, secret: bytes, *, verify: bool) -> Report | None:
    """Check that a copy was written with the secret, and verify its log. Raises WrongKey."""
    from bot.cli.database import run_on
    from bot.cli.verifying import verify_store
    from bot.installation import LOG_KEY, check_key, derive

    async def check(store: Store) -> Report | None:
        await check_key(settings, store, secret)
        if not verify:
            return None
        return await store.read(lambda reading: verify_store(reading, derive(secret, LOG_KEY), ""))

    return run_on(copy, secret, check)


def _describe(report: Report | None) -> str:
    if report is None:
        return "Its log was not read."
    return f"Plans: {report.plans}, entries of the log: {report.entries}."


def _name_secret(settings: Settings) -> str:
    from adapters.store.open import data_folder

    folder = data_folder(settings.database.url)
    if folder is None or settings.server.secret_key.get_secret_value():
        return "server.secret_key of the settings"
    return str(folder / "fabu.key")


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what stands against a backup, or its return, into Failure."""
    from adapters.store.backup import Refused
    from bot.cli.database import explain_database_errors

    try:
        with explain_database_errors():
            yield
    except Refused as error:
        raise Failure(str(error)) from None
