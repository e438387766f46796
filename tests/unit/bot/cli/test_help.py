"""What every command says of itself, and what it costs to ask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bot.cli import load_commands

CONTRACT = {
    "run", "demo", "doctor", "chat", "plan apply", "plan list", "plan show", "plan finish", "plan submit",
    "plan approve", "plan reject", "plan execute", "plan skip", "plan retry", "plan replan", "plan cancel",
    "plan recheck", "plan delete", "plan copy", "plan log", "plan diff", "token create", "token list",
    "token revoke", "people import", "people list", "db upgrade", "deliveries list", "deliveries replay",
    "audit verify", "audit export", "plan check", "policy list", "policy test",
}  # fmt: skip


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = {" ".join(path): command for path, command in commands(typer.main.get_command(load_commands()))}


def test_there_is_every_command_of_the_contract() -> None:
    assert set(ALL) >= CONTRACT


@pytest.mark.parametrize("name", sorted(ALL))
def test_command_explains_itself_and_its_parameters(name: str) -> None:
    assert ALL[name].help.strip().endswith(".")
    assert [each.name for each in ALL[name].params if not each.help] == []
    shown = CliRunner().invoke(load_commands(), [*name.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert ALL[name].help.split(".")[0].split("\n")[0] in shown.output
    assert "[]" not in shown.output, "brackets are taken for markup"


def test_help_loads_neither_http_nor_database_nor_vendors() -> None:
    script = """
import sys
from bot.cli import load_commands
load_commands()
heavy = {"aiohttp", "sqlalchemy", "alembic", "pydantic_settings", "yaml", "lark_oapi", "slack_bolt", "apscheduler"}
print(sorted(heavy & set(sys.modules)))
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
