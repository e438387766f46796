"""`fabu doctor`: prints the findings of the check-up, and how to cure what is wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config
from bot.cli.show import terminal
from core.text import remove_invisible

if TYPE_CHECKING:
    from core.ports.checkup import Finding


def doctor(config: Config = None) -> None:
    """Examine the settings and everything they lead to, and tell how to cure what is wrong (exit code 1)."""
    from bot.cli.configuration import find_file, read_settings
    from bot.doctor import examine

    logging.getLogger().addHandler(logging.NullHandler())  # the findings repeat what is logged meanwhile
    settings = read_settings(config)
    try:
        found = asyncio.run(examine(settings, find_file(config)))
    except ValueError as error:
        raise Failure(f"The settings cannot be used: {error}") from None
    wrong = sum(not finding.ok for findings in found.values() for finding in findings)
    console = terminal()
    console.print(_table(found))
    console.print("Everything is well." if not wrong else f"{wrong} to mend.")
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


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
