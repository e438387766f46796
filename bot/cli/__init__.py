"""The command line `fabu`: its commands, and `main`, which runs one.

A failed command prints one sentence that says what to do. The exit codes are those of `bot.cli.failure.ExitCode`.
"""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import sys
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from typing import Annotated

import typer

from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config, terminal_locale
from core.errors import FabuError, Unavailable

_ADDRESS_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)
"""The system's errors for an address that a server cannot listen on."""

app = typer.Typer(
    name="fabu",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Release plans, approved and executed from Feishu, DingTalk and Slack.",
)
database = typer.Typer(no_args_is_help=True, help="Look after the database.")
app.add_typer(database, name="db")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("fabu"))
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Release plans, approved and executed from Feishu, DingTalk and Slack."""


class Language(StrEnum):
    """The languages that there is a catalogue for."""

    ZH_CN = "zh_CN"
    EN = "en"


@app.command()
def run(
    config: Config = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more than what matters to operators.")] = False,
) -> None:
    """Run the server, until it is told to stop (SIGTERM, Ctrl-C)."""
    from adapters.common.system import hide_process
    from bot.cli.configuration import read_settings
    from bot.cli.database import describe_unavailable, installation_secret

    hide_process()
    settings = read_settings(config)
    installation_secret(settings)
    from adapters.common.settings import UnusableSetting
    from bot.app import serve
    from bot.installation import WrongKey

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if not verbose:
        for chatty in ("alembic", "apscheduler"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        asyncio.run(serve(settings))
    except (WrongKey, UnusableSetting) as error:
        raise Failure(f"{error}.", ExitCode.MISUSED) from None
    except Unavailable as error:
        raise Failure(describe_unavailable(error)) from None
    except OSError as error:
        cure = " Look at server.host and server.port." if error.errno in _ADDRESS_ERRORS else ""
        raise Failure(f"The server cannot run: {error.strerror or error}.{cure}") from None


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play it through without waiting for anybody, then end.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 0,
    language: Annotated[
        Language | None, typer.Option(help="The language of the cards; that of the terminal without.")
    ] = None,
) -> None:
    """Watch a release go through, with no account and no server: everything runs on this machine."""
    from bot.cli.demo import play

    raise typer.Exit(asyncio.run(play(once=once, port=port, language=language or terminal_locale().language)))


@database.command()
def upgrade(config: Config = None) -> None:
    """Bring the tables up to this version; with SQLite the server does it by itself."""
    from adapters.store.migrate import upgrade as migrate
    from bot.cli.configuration import read_settings
    from bot.cli.database import explain_database_errors

    settings = read_settings(config)
    with explain_database_errors():
        migrate(settings.database.url)
    typer.echo("The database is up to date.")


@cache
def load_commands() -> typer.Typer:
    """Add the remaining commands to the command line, and return it.

    `fabu run` does without them: a server would keep in memory what they import (2 MB).
    """
    from bot.cli import audit, deliveries, people, plans, policies, tokens
    from bot.cli.backup import backup, restore
    from bot.cli.chat import chat
    from bot.cli.doctor import doctor

    for command in (chat, doctor, backup, restore):
        app.command()(command)
    for name, group in (
        ("plan", plans), ("policy", policies), ("token", tokens), ("people", people), ("deliveries", deliveries),
        ("audit", audit),
    ):  # fmt: skip
        app.add_typer(group.app, name=name)
    return app


def main() -> None:
    """Run the command line. When a command fails, print its error and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        (app if sys.argv[1:2] == ["run"] else load_commands())()
    except Failure as failure:
        _end(str(failure), failure.code)
    except FabuError as error:
        _end(str(error), ExitCode.FAILED)


def _end(text: str, code: ExitCode) -> None:
    from core.text import remove_invisible

    print(remove_invisible(text), file=sys.stderr)
    sys.exit(code)
