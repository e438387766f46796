"""`fabu token`: makes, lists and revokes API tokens on the server's machine. Only their SHA-256 is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.common.system import SystemClock, SystemIds
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import Config, terminal_locale
from bot.cli.show import TABLE, table_of, terminal
from core.people import EVERY_SCOPE, USUAL_SCOPES, TokenScope
from core.text import parse_duration

if TYPE_CHECKING:
    from config.settings import Settings
    from core.ports.people import Token
    from core.ports.store import Store

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API tokens (on the server's machine).")

_LONGEST = timedelta(days=3650)
_TEMPORARY = timedelta(hours=12)
"""The life of a token for `--as`, which is revoked when the command ends, unless the command is killed."""


@app.command()
def create(
    person: Annotated[str, typer.Option("--as", metavar="ID", help="The person that the token acts as.")],
    name: Annotated[str, typer.Option(help="What the token is for, to know it again.")] = "",
    expires: Annotated[str, typer.Option(help="How long it is good for: 12h, 30d.")] = "90d",
    scope: Annotated[
        str,
        typer.Option(metavar="SCOPES", help="What it may do: read,plan,decide,execute,admin. All but admin without."),
    ] = "",
    config: Config = None,
) -> None:
    """Make a token and print it, once: keep it, for example as FABU_TOKEN."""
    from bot.cli.configuration import read_settings

    scopes = _parse_scopes(scope)
    secret, token = issue_token(read_settings(config), person, name or "command line", _parse_life(expires), scopes)
    until = terminal_locale().time(token.expires_at)
    may = ", ".join(sorted(scopes))
    terminal(errors=True).print(
        f"Token {token.id} acts as {person} until {until} ({may}). It is shown only now:", soft_wrap=True
    )
    typer.echo(secret)


@app.command("list")
def list_tokens(
    person: Annotated[str, typer.Option("--as", metavar="ID", help="Only the tokens of this person.")] = "",
    ended: Annotated[bool, typer.Option("--all", help="Also those that are revoked, expired or used up.")] = False,
    config: Config = None,
) -> None:
    """List the tokens that are good, with their ids; the tokens themselves are not kept."""
    from bot.cli.configuration import read_settings
    from bot.cli.database import run_on_store

    async def load(store: Store) -> list[Token]:
        return await store.read(lambda reading: reading.people.tokens(person))

    locale, now = terminal_locale(), SystemClock().now()
    rows = []
    for token in run_on_store(read_settings(config), load):
        state = _end_reason(token, now)
        if ended or not state:
            used = locale.time(token.used_at) if token.used_at else "never"
            until = locale.time(token.expires_at) if token.expires_at else "revoked"
            may = ", ".join(sorted(token.scopes))
            rows.append((token.id, token.person, token.name, may, used, state or f"until {until}"))
    terminal(TABLE).print(table_of(("id", "person", "name", "may", "last used", "good"), rows))


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The id of the token, from `fabu token list`.")],
    config: Config = None,
) -> None:
    """Revoke a token; whoever uses it is turned away from now on."""
    from bot.cli.configuration import read_settings

    if not _revoke(read_settings(config), token):
        raise Failure(f"There is no token {token}: `fabu token list` shows their ids.")
    terminal().print(f"Token {token} is revoked.")


@contextmanager
def temporary_token(settings: Settings, person: str) -> Iterator[str]:
    """Yield the secret of a token that acts as a person; revoke the token at the end."""
    secret, token = issue_token(settings, person, "command line --as", _TEMPORARY, EVERY_SCOPE)
    try:
        yield secret
    finally:
        _revoke(settings, token.id)


def _parse_scopes(text: str) -> frozenset[TokenScope]:
    """Return the scopes that a text names, the usual ones without any. Raises Failure for what is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in set(TokenScope)]:
        raise Failure(f"There is no scope {unknown[0]}: write some of {','.join(TokenScope)}.", ExitCode.MISUSED)
    return frozenset(map(TokenScope, names)) or USUAL_SCOPES


def _parse_life(text: str) -> timedelta:
    """Return how long a token is good for. Raises Failure for what is no duration, or too long."""
    try:
        life = parse_duration(text)
    except ValueError as error:
        raise Failure(f"--expires {text}: {error}", ExitCode.MISUSED) from None
    if not timedelta() < life <= _LONGEST:
        raise Failure(f"--expires {text}: write at most {_LONGEST.days}d", ExitCode.MISUSED)
    return life


def issue_token(
    settings: Settings, person: str, name: str, life: timedelta, scopes: frozenset[TokenScope]
) -> tuple[str, Token]:
    """Make and store a token that acts as a person; return its secret, which is stored nowhere, and the token.

    Raises Failure when nobody active has this id.
    """
    from bot.cli.database import run_on_store
    from bot.people.tokens import new_token

    clock = SystemClock()
    secret, token = new_token(person, name, clock, SystemIds(), clock.now() + life, scopes)

    async def add(store: Store) -> None:
        stored = await store.read(lambda reading: reading.people.directory())
        known = {entry.id for entry in settings.people if entry.active} | set(filter(stored.active, stored.people))
        if person not in known:
            who = f"there are: {', '.join(sorted(known))}" if known else "there is nobody yet"
            cure = "add the person under [[people]] in the settings, or with `fabu people import`"
            raise Failure(f"Nobody active is called {person} ({who}): {cure}.", ExitCode.MISUSED)
        await store.write(lambda writing: writing.people.add_token(token))

    run_on_store(settings, add)
    return secret, token


def _revoke(settings: Settings, token_id: str) -> bool:
    from bot.cli.database import run_on_store

    now = SystemClock().now()

    async def write(store: Store) -> bool:
        return await store.write(lambda writing: writing.people.revoke_token(token_id, now))

    return run_on_store(settings, write)


def _end_reason(token: Token, now: datetime) -> str:
    """Return why a token is not valid any more, or an empty text."""
    if token.revoked_at:
        return "revoked"
    if token.expires_at and token.expires_at <= now:
        return "expired"
    return "used up" if token.single_use and token.used_at else ""
