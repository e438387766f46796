"""`fabu audit`: verifies and exports the operation log, which it reads from the database itself."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from adapters.common.files import open_private
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config

if TYPE_CHECKING:
    from bot.cli.verifying import Report
    from core.audit import Head, LogEntry
    from core.ports.store import Store

app = typer.Typer(no_args_is_help=True, help="Verify and export the operation log (on the server's machine).")

_HEAD = 8
"""The fewest digits of a head that is compared."""


class Format(StrEnum):
    """The file formats of an export."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def verify(
    head: Annotated[
        str,
        typer.Option(
            metavar="HASH", help="A head that was told elsewhere, or its first digits; SEQ:HASH for that of all plans."
        ),
    ] = "",
    file: Annotated[
        Path | None, typer.Option(metavar="DUMP", help="Verify an export of the whole log in place of the database.")
    ] = None,
    config: Config = None,
) -> None:
    """Check that no log entry was changed, removed or moved, and that plans are stored as the log says.

    Every problem is listed. Whoever cuts off the end of a log, and lets the database forget it, is found by a head that
    was told before.
    """
    from bot.cli.configuration import read_settings
    from bot.cli.database import installation_secret, run_on_store
    from bot.cli.verifying import read_dump, verify_entries, verify_store
    from bot.installation import LOG_KEY, derive

    head = head.strip().rstrip("…")
    if head and len(head.rpartition(":")[2]) < _HEAD:
        raise Failure(f"A head has at least {_HEAD} digits here.", ExitCode.MISUSED)
    settings = read_settings(config)
    key = derive(installation_secret(settings), LOG_KEY)

    async def check(store: Store) -> Report:
        return await store.read(lambda reading: verify_store(reading, key, head))

    if file is None:
        report = run_on_store(settings, check)
    else:
        try:
            report = verify_entries(read_dump(file), key, head)
        except OSError as error:
            raise Failure(f"{file} cannot be read: {error.strerror}.", ExitCode.MISUSED) from None
        except ValueError as error:
            raise Failure(f"{file} is no export of the log: {error}.", ExitCode.MISUSED) from None
    _print_report(report, head)


def _print_report(report: Report, head: str) -> None:
    """Print what was found. Raises Failure when something is wrong."""
    for problem in report.problems:
        typer.echo(problem)
    if report.unlinked:
        typer.echo(
            f"Entries of versions without the chain over all plans, checked in their plan alone: {report.unlinked}."
        )
    if report.unchecked:
        typer.echo(f"Plans of versions without digests, whose content was not checked: {report.unchecked}.")
    if report.problems:
        raise Failure(
            "The log or a plan was changed, or server.secret_key is not the one it was written with: "
            "compare with an export or a backup from before."
        )
    typer.echo(f"The log fits. Entries: {report.entries}, plans: {report.plans}.")
    if not report.has_head:
        raise Failure(
            f"But no entry has the hash {head}: the end of a log was cut off, or it is another installation's."
        )
    if head:
        typer.echo("The log has this head.")


@app.command()
def head(config: Config = None) -> None:
    """Print the head of the log of all plans as SEQ:HASH; keep it elsewhere, and give it to `verify --head` later."""
    from bot.cli.configuration import read_settings
    from bot.cli.database import run_on_store

    async def load(store: Store) -> Head:
        return await store.read(lambda reading: reading.log.head())

    newest = run_on_store(read_settings(config), load)
    typer.echo(f"{newest.seq}:{newest.link}")


@app.command()
def export(
    file_format: Annotated[Format, typer.Option("--format", help="One JSON object a line, or a table.")] = Format.JSONL,
    plan: Annotated[str, typer.Option(metavar="N", help="Only the log of plan N.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; without, it is printed.")
    ] = None,
    config: Config = None,
) -> None:
    """Write the operation log, with the hash of each entry."""
    from bot.cli.configuration import read_settings
    from bot.cli.database import run_on_store
    from bot.cli.verifying import all_entries

    async def load(store: Store) -> list[LogEntry]:
        return await store.read(
            lambda r: r.log.of_plan(r.plans.id_of(plan), limit=sys.maxsize) if plan else list(all_entries(r))
        )

    entries = run_on_store(read_settings(config), load)
    with _open_output(output) as file:
        _WRITERS[file_format](entries, file)


@contextmanager
def _open_output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        file = open(path, "w", encoding="utf-8", newline="", opener=open_private)  # noqa: SIM115 - closed below
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        yield file


def _row(entry: LogEntry) -> Mapping[str, object]:
    return {**asdict(entry), "at": entry.at.isoformat(), "details": dict(entry.details)}


def _write_jsonl(entries: list[LogEntry], file: TextIO) -> None:
    for entry in entries:
        file.write(json.dumps(_row(entry), ensure_ascii=False) + "\n")


def _write_csv(entries: list[LogEntry], file: TextIO) -> None:
    from core.audit import LogEntry

    writer = csv.DictWriter(file, LogEntry.__dataclass_fields__)
    writer.writeheader()
    for entry in entries:
        writer.writerow({**_row(entry), "details": json.dumps(dict(entry.details), ensure_ascii=False)})


_WRITERS = {Format.JSONL: _write_jsonl, Format.CSV: _write_csv}
