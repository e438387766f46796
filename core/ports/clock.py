"""The ports of time and of identifiers: with them the engine is deterministic under test."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The source of the present time."""

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        ...


class Ids(Protocol):
    """Makes identifiers and unguessable tokens."""

    def new(self) -> str:
        """Return a new identifier that sorts by time of creation."""
        ...

    def new_plan(self) -> str:
        """Return a new identifier of a plan, 24 hexadecimal digits that sort by time of creation.

        Clients that are written with Zadig's own types decode no others.
        """
        ...

    def token(self, size: int = 16) -> str:
        """Return `size` random bytes as hexadecimal digits, fit for use as a secret."""
        ...
