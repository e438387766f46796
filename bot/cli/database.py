"""Opens the store for commands that use the database itself, whether or not a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import ArgumentError

from adapters.store.open import open_store
from adapters.store.troubles import DatabaseTrouble
from bot.cli.failure import ExitCode, Failure
from bot.installation import derive, load_secret
from config.settings import Settings
from core.errors import Unavailable
from core.ports.store import Store

T = TypeVar("T")


def run_on_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run a function on the store of the settings and return its result. Raises Failure for an unusable store."""
    require_database(settings)
    return run_on(settings.database.url, installation_secret(settings), work)


def require_database(settings: Settings) -> None:
    """Raise Failure when the settings keep plans in memory."""
    if settings.database.url.startswith("memory:"):
        raise Failure(
            "The settings keep plans in memory, where only the server itself sees them: "
            "set database.url to sqlite:///fabu.db, for example.",
            ExitCode.MISUSED,
        )


def run_on(url: str, secret: bytes, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run a function on the store of a URL and return its result. Raises Failure for an unusable store."""

    async def run() -> T:
        with explain_database_errors():
            store = open_store(url, derive(secret, "credentials"))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def installation_secret(settings: Settings, *, make: bool = True) -> bytes:
    """Return the secret of the installation. Raises Failure when it cannot be read, or made where that is wanted."""
    with explain_database_errors():
        try:
            return load_secret(settings, make=make)
        except OSError as error:
            cure = "run this as the user that the server runs as"
            raise Failure(f"{error.filename} cannot be used ({error.strerror}): {cure}.") from None


@contextmanager
def explain_database_errors() -> Iterator[None]:
    """Turn the errors of a database into Failures that say why it cannot be used."""
    try:
        yield
    except ArgumentError:
        raise Failure("database.url cannot be read: write it as sqlite:///FILE.", ExitCode.MISUSED) from None
    except ValueError as error:
        raise Failure(f"{str(error).rstrip('.')}.", ExitCode.MISUSED) from None
    except Unavailable as error:
        raise Failure(describe_unavailable(error)) from None


def describe_unavailable(error: Unavailable) -> str:
    """Return why a database cannot be used, and the cure, for those who run Fabu."""
    if not isinstance(error, DatabaseTrouble):
        return str(error)
    reason = next(iter(error.reason.splitlines()), "").rstrip(".")
    return f"The database cannot be used ({reason}): {error.trouble.cure}."
