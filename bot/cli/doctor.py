"""`fabu doctor`: prints the findings of the check-up, and how to cure what is wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config
from bot.cli.show import terminal
from core.errors import NotFound
from core.text import remove_invisible

if TYPE_CHECKING:
    from bot.send_test import Audience
    from config.settings import Settings
    from core.ports.checkup import Finding
    from core.ports.store import Store


SendTest = Annotated[
    bool,
    typer.Option("--send-test", help="Also send a test message to the channel of each chat."),
]
PlanNumber = Annotated[
    str,
    typer.Option("--plan", metavar="N", help="With --send-test: send one to each approver of this plan, too."),
]


def doctor(send_test: SendTest = False, plan: PlanNumber = "", config: Config = None) -> None:
    """Examine the settings and everything they lead to, and tell how to cure what is wrong (exit code 1)."""
    from bot.cli.configuration import find_file, read_settings
    from bot.doctor import examine

    logging.getLogger().addHandler(logging.NullHandler())  # the findings repeat what is logged meanwhile
    settings = read_settings(config)
    if plan and not send_test:
        raise Failure("--plan says whom --send-test writes to: give both.", ExitCode.MISUSED)
    audience = _load_audience(settings, plan) if plan else None
    try:
        found = asyncio.run(examine(settings, find_file(config)))
        if send_test:
            found["test messages"] = asyncio.run(_send_test(settings, audience))
    except ValueError as error:
        raise Failure(f"The settings cannot be used: {error}") from None
    wrong = sum(not finding.ok for findings in found.values() for finding in findings)
    console = terminal()
    console.print(_table(found))
    console.print("Everything is well." if not wrong else f"{wrong} to mend.")
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


async def _send_test(settings: Settings, audience: Audience | None) -> list[Finding]:
    from bot.send_test import send_test

    return await send_test(settings, audience)


def _load_audience(settings: Settings, number: str) -> Audience:
    """Return a plan, with everybody whom Fabu knows. Raises Failure when there is no such plan."""
    from bot.cli.database import run_on_store
    from bot.send_test import Audience

    async def load(store: Store) -> Audience:
        return await store.read(
            lambda reading: Audience(reading.plans.get(reading.plans.id_of(number)), reading.people.directory())
        )

    try:
        return run_on_store(settings, load)
    except NotFound:
        raise Failure(f"There is no plan {number}: `fabu plan list` shows their numbers.") from None


def _table(found: dict[str, list[Finding]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for area, findings in found.items():
        for index, finding in enumerate(findings):
            text = Text(remove_invisible(finding.text))
            if not finding.ok and finding.cure:
                text.append(f"\n→ {remove_invisible(finding.cure)}", "bold")
            mark = Text("✓ ok", "green") if finding.ok else Text("✗ mend", "red")
            table.add_row(Text(area if index == 0 else ""), mark, text)
    return table
