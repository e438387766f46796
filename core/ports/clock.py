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

    def token(self, size: int = 16) -> str:
        """Return `size` random bytes as hexadecimal digits, fit for use as a secret."""
        ...
