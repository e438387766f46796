"""`fabu audit`: the operation log as evidence, read from the database itself."""

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
    from core.ports.plans import PlanReads
    from core.ports.store import Reading, Store

app = typer.Typer(no_args_is_help=True, help="Verify and export the operation log (on the server's machine).")

_PART = 1000


class Format(StrEnum):
    """How the log is written."""

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
    from bot.cli.database import installation_secret, on_store
    from bot.installation import derive

    settings = read_settings(config)
    key = derive(installation_secret(settings), "operation log")

    async def check(store: Store) -> tuple[tuple[int, int, list[str]], bool]:
        return await store.read(lambda reading: (broken_chains(reading, key), not head or has_head(reading.log, head)))

    (plans, entries, broken), found = on_store(settings, check)
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
    from bot.cli.database import on_store

    async def load(store: Store) -> list[LogEntry]:
        return await store.read(
            lambda r: r.log.of_plan(r.plans.id_of(plan), limit=sys.maxsize) if plan else list(all_entries(r.log))
        )

    entries = on_store(read_settings(config), load)
    with _opened(output) as file:
        _WRITERS[file_format](entries, file)


def all_entries(log: LogReads) -> Iterator[LogEntry]:
    """Go through the log entries of all plans, in the order in which they were written."""
    after = 0
    while part := log.since(after, _PART):
        yield from part
        after = part[-1].id


def has_head(log: LogReads, head: str) -> bool:
    """Tell whether an entry of the log has this hash."""
    return any(entry.hash == head for entry in all_entries(log))


def broken_chains(reading: Reading, key: bytes) -> tuple[int, int, list[str]]:
    """Return how many plans and entries there are, and for each plan whose log does not fit, where it breaks."""
    from core.audit import first_broken_entry

    logs: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in all_entries(reading.log):
        logs[entry.plan_id].append(entry)
    plans = {plan.id: plan for plan in _plans(reading.plans)}
    broken = []
    for plan_id in sorted({*logs, *plans}):
        name = f"Plan #{plans[plan_id].number} ({plan_id})" if plan_id in plans else f"Plan {plan_id}"
        if wrong := first_broken_entry(logs[plan_id], key):
            broken.append(f"{name}: entry {wrong.seq} ({wrong.event}, by {wrong.actor}, {wrong.at}) does not fit.")
        elif plan_id in plans and not _ends_as(plans[plan_id], logs[plan_id]):
            broken.append(f"{name}: entries after {len(logs[plan_id])} are missing.")
    return len(logs), sum(map(len, logs.values())), broken


def _ends_as(plan: Plan, entries: list[LogEntry]) -> bool:
    """Tell whether the newest entry is the one that the plan itself remembers."""
    last = (entries[-1].seq, entries[-1].hash) if entries else (0, "")
    return (plan.log_seq, plan.log_head) == last


def _plans(plans: PlanReads) -> Iterator[Plan]:
    from core.ports.plans import PlanQuery

    cursor = ""
    while True:
        page = plans.page(PlanQuery(cursor=cursor, limit=_PART))
        yield from page.items
        cursor = page.next_cursor
        if not cursor:
            return


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
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


def _jsonl(entries: list[LogEntry], file: TextIO) -> None:
    for entry in entries:
        file.write(json.dumps(_row(entry), ensure_ascii=False) + "\n")


def _csv(entries: list[LogEntry], file: TextIO) -> None:
    from core.audit import LogEntry

    writer = csv.DictWriter(file, LogEntry.__dataclass_fields__)
    writer.writeheader()
    for entry in entries:
        writer.writerow({**_row(entry), "details": json.dumps(dict(entry.details), ensure_ascii=False)})


_WRITERS = {Format.JSONL: _jsonl, Format.CSV: _csv}
