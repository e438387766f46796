"""`fabu audit`: verifies and exports the operation log, which it reads from the database itself."""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bot.cli.failure import Failure
from bot.cli.options import Config

if TYPE_CHECKING:
    from core.audit import LogEntry
    from core.plan import Plan
    from core.ports.log import LogReads
    from core.ports.store import Reading, Store

app = typer.Typer(no_args_is_help=True, help="Verify and export the operation log (on the server's machine).")

_BATCH = 1000
"""Entries or plans that are read at once."""


class Format(StrEnum):
    """The file formats of an export."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(metavar="HASH", help="A head that a thread or a hook told: it must be in the log still.")
    ] = "",
    config: Config = None,
) -> None:
    """Check that no log entry was changed, removed or moved; name the first one of each plan that does not fit.

    Whoever cuts off the end of a log, and lets the database forget it, is found by a head that was told before.
    """
    from bot.cli.configuration import read_settings
    from bot.cli.database import installation_secret, run_on_store
    from bot.installation import LOG_KEY, derive

    settings = read_settings(config)
    key = derive(installation_secret(settings), LOG_KEY)

    async def check(store: Store) -> tuple[tuple[int, int, list[str]], bool]:
        return await store.read(lambda reading: (check_chains(reading, key), not head or has_head(reading.log, head)))

    (plans, entries, broken), found = run_on_store(settings, check)
    for problem in broken:
        typer.echo(problem)
    if broken:
        raise Failure(
            "The log was changed, or server.secret_key is not the one it was written with: "
            "compare with an export or a backup from before."
        )
    typer.echo(f"The log fits. Entries: {entries}, plans: {plans}.")
    if not found:
        raise Failure(
            f"But no entry has the hash {head}: the end of a log was cut off, or it is another installation's."
        )
    if head:
        typer.echo("The log has this head.")


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

    async def load(store: Store) -> list[LogEntry]:
        return await store.read(
            lambda r: r.log.of_plan(r.plans.id_of(plan), limit=sys.maxsize) if plan else list(all_entries(r.log))
        )

    entries = run_on_store(read_settings(config), load)
    with _open_output(output) as file:
        _WRITERS[file_format](entries, file)


def all_entries(log: LogReads) -> Iterator[LogEntry]:
    """Yield the log entries of all plans, in the order in which they were written."""
    after = 0
    while batch := log.since(after, _BATCH):
        yield from batch
        after = batch[-1].id


def has_head(log: LogReads, head: str) -> bool:
    """Tell whether an entry of the log has this hash."""
    return any(entry.hash == head for entry in all_entries(log))


def check_chains(reading: Reading, key: bytes) -> tuple[int, int, list[str]]:
    """Check the hash chain of every plan's log.

    Return the number of plans, the number of entries, and for each broken log a sentence that says where it breaks.
    """
    from core.audit import first_broken_entry
    from core.ports.paging import read_all
    from core.ports.plans import PlanQuery

    logs: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in all_entries(reading.log):
        logs[entry.plan_id].append(entry)
    pages = read_all(lambda cursor: reading.plans.page(PlanQuery(cursor=cursor, limit=_BATCH)))
    plans = {plan.id: plan for plan in pages}
    broken = []
    for plan_id in sorted({*logs, *plans}):
        name = f"Plan #{plans[plan_id].number} ({plan_id})" if plan_id in plans else f"Plan {plan_id}"
        if wrong := first_broken_entry(logs[plan_id], key):
            broken.append(f"{name}: entry {wrong.seq} ({wrong.event}, by {wrong.actor}, {wrong.at}) does not fit.")
        elif plan_id in plans and not _is_complete(plans[plan_id], logs[plan_id]):
            broken.append(f"{name}: entries after {len(logs[plan_id])} are missing.")
    return len(logs), sum(map(len, logs.values())), broken


def _is_complete(plan: Plan, entries: list[LogEntry]) -> bool:
    """Tell whether the newest entry is the one that the plan itself records as its last."""
    last = (entries[-1].seq, entries[-1].hash) if entries else (0, "")
    return (plan.log_seq, plan.log_head) == last


@contextmanager
def _open_output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
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
