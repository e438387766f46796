"""The store for commands that work on the database itself, beside or without a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import ArgumentError

from adapters.store.open import open_store
from bot.cli.failure import ExitCode, Failure
from bot.installation import derive, load_secret
from config.settings import Settings
from core.errors import Unavailable
from core.ports.store import Store

T = TypeVar("T")


def on_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run something on the store of the settings and return its result. Raises Failure when there is no using it."""
    if settings.database.url.startswith("memory:"):
        raise Failure(
            "The settings keep plans in memory, where only the server itself sees them: "
            "set database.url to sqlite:///fabu.db, for example.",
            ExitCode.MISUSED,
        )
    secret = installation_secret(settings)

    async def run() -> T:
        with told():
            store = open_store(settings.database.url, derive(secret, "credentials"))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def installation_secret(settings: Settings) -> bytes:
    """Return the secret of the installation. Raises Failure when it is not there to read."""
    with told():
        try:
            return load_secret(settings)
        except OSError as error:
            cure = "run this as the user that the server runs as"
            raise Failure(f"{error.filename} cannot be used ({error.strerror}): {cure}.") from None


@contextmanager
def told() -> Iterator[None]:
    """Say in words why a database cannot be used."""
    try:
        yield
    except ArgumentError:
        raise Failure("database.url cannot be read: write it as sqlite:///FILE.", ExitCode.MISUSED) from None
    except ValueError as error:
        raise Failure(f"{str(error).rstrip('.')}.", ExitCode.MISUSED) from None
    except Unavailable as error:
        cause = error.__cause__
        raise Failure(f"{error}" + (f" ({str(cause).splitlines()[0]})" if cause else "")) from None
