"""`fabu people`: imports people and groups from a file into the database, and lists people."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config
from bot.cli.show import TABLE, table_of, terminal
from core.text import remove_invisible

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from config.settings import GroupEntry, PersonEntry, Settings
    from core.people import Directory
    from core.ports.store import Store

app = typer.Typer(no_args_is_help=True, help="Bring in and list people (on the server's machine).")


@app.command("import")
def import_people(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, TOML, YAML or JSON, with the fields that people (and groups) have in the settings."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take all rights from those of earlier imports who are not in the file.")
    ] = False,
    config: Config = None,
) -> None:
    """Add people, or replace those with the same id; a running server knows them within half a minute."""
    from adapters.common.system import SystemClock
    from bot.adapters import CHATS
    from bot.cli.configuration import read_settings
    from bot.cli.database import run_on_store
    from bot.people.directory import load_people

    settings = read_settings(config)
    people, groups = read_people(file)
    _check_origin(people, groups, settings, file)

    async def work(store: Store) -> tuple[Directory, Directory]:
        before = await store.read(lambda reading: reading.people.directory())
        _check_members(groups, {*before.people, *(entry.id for entry in (*people, *settings.people))}, file)
        imported = settings.model_copy(update={"people": people, "groups": groups})
        if dry_run:
            return before, before
        return before, await load_people(imported, store, CHATS, SystemClock().now(), imported=True, remove=remove)

    before, after = run_on_store(settings, work)
    for entry in people:
        known = before.people.get(entry.id)
        state = "new" if known is None else "kept" if known == after.people[entry.id] and not dry_run else "replaced"
        typer.echo(remove_invisible(f"{state:9}{entry.id}  {entry.name}"))
    listed = {entry.id for entry in people}
    for known in before.people.values() if remove else ():
        if known.imported and known.active and known.id not in listed:
            typer.echo(remove_invisible(f"{'removed':9}{known.id}  {known.name}"))
    done = "Would be brought in" if dry_run else "Brought in"
    typer.echo(f"{done}: people {len(people)}, groups {len(groups)}.")


@app.command("list")
def list_people(config: Config = None) -> None:
    """List everybody in the database with their chat accounts and groups."""
    from bot.adapters import CHATS
    from bot.cli.configuration import read_settings
    from bot.cli.database import run_on_store
    from config.settings import PersonEntry

    async def load(store: Store) -> Directory:
        return await store.read(lambda reading: reading.people.directory())

    directory = run_on_store(read_settings(config), load)
    if not directory.people:
        typer.echo("There is nobody yet: `fabu people import FILE` brings people in.")
        return
    rows = []
    for person in sorted(directory.people.values(), key=lambda person: person.id):
        groups = ", ".join(f"@{group.id}" for group in directory.groups.values() if person.id in group.members)
        rights = "has left" if not person.active else "administrator" if person.admin else ""
        accounts = (person.accounts.get(chat, "") for chat in CHATS)
        origin = "import" if person.imported else "settings"
        rows.append((person.id, person.name, person.email, *accounts, groups, rights, origin))
    titles = (PersonEntry.model_fields[chat].title or chat for chat in CHATS)
    terminal(TABLE).print(table_of(("id", "name", "e-mail", *titles, "groups", "rights", "from"), rows))


def read_people(path: Path) -> tuple[tuple[PersonEntry, ...], tuple[GroupEntry, ...]]:
    """Return the people and groups of a file. Raises Failure that lists every mistake."""
    from pydantic import TypeAdapter, ValidationError

    from config.settings import GroupEntry, PersonEntry

    data = _parse(path)
    parts = data if isinstance(data, Mapping) else {"people": data}
    if unknown := sorted(set(parts) - {"people", "groups"}):
        raise Failure(f"{path}: there is no {', '.join(unknown)}; write people and groups.", ExitCode.MISUSED)
    try:
        people = TypeAdapter(tuple[PersonEntry, ...]).validate_python(parts.get("people", ()))
        groups = TypeAdapter(tuple[GroupEntry, ...]).validate_python(parts.get("groups", ()))
    except ValidationError as error:
        problems = "\n".join(f"  • {_explain(found)}" for found in error.errors(include_url=False, include_input=False))
        raise Failure(f"{path} has mistakes:\n{problems}", ExitCode.MISUSED) from None
    ids = [entry.id for entry in people]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise Failure(f"{path} has two people called {', '.join(twice)}: ids are used once.", ExitCode.MISUSED)
    return people, groups


def _explain(error: ErrorDetails) -> str:
    """Return a sentence for one mistake: `entry 3 name: what is wrong`."""
    entry, *rest = error["loc"] or ("the file",)
    place = " ".join([f"entry {entry + 1}" if isinstance(entry, int) else entry, *map(str, rest)])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {'there is no such field' if error['type'] == 'extra_forbidden' else message}"


def _parse(path: Path) -> Any:
    import yaml

    parsers: dict[str, Callable[[str], Any]] = {
        ".csv": _parse_csv,
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    parse = parsers.get(path.suffix.lower())
    if parse is None:
        raise Failure(f"{path} must be called *.csv, *.toml, *.yaml or *.json.", ExitCode.MISUSED)
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", ExitCode.MISUSED) from None
    except (ValueError, yaml.YAMLError) as error:
        raise Failure(f"{path} cannot be understood: {error}.", ExitCode.MISUSED) from None


def _parse_csv(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV table whose first line names the columns, without empty cells."""
    rows = csv.DictReader(io.StringIO(text), restkey="(more cells than columns)")
    return [{name: value for name, value in row.items() if value} for row in rows]


def _check_origin(
    people: tuple[PersonEntry, ...], groups: tuple[GroupEntry, ...], settings: Settings, path: Path
) -> None:
    known = {entry.id for entry in settings.people} | {f"@{entry.id}" for entry in settings.groups}
    if own := sorted(known & ({entry.id for entry in people} | {f"@{entry.id}" for entry in groups})):
        raise Failure(f"{path}: the settings have {', '.join(own)}; change them there.", ExitCode.MISUSED)


def _check_members(groups: tuple[GroupEntry, ...], known: set[str], path: Path) -> None:
    if unknown := sorted({member for group in groups for member in group.members} - known):
        raise Failure(f"{path}: nobody is called {', '.join(unknown)}; add them to the people.", ExitCode.MISUSED)
