"""Time and identifiers as ports, so that the engine is deterministic under test."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move: for tests and demonstrations."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by


class Ids(Protocol):
    """Makes identifiers and unguessable tokens."""

    def new(self) -> str:
        """Return a new identifier that sorts by time of creation."""
        ...

    def token(self, size: int = 16) -> str:
        """Return `size` random bytes as hexadecimal digits, fit for use as a secret."""
        ...


class SystemIds:
    """Identifiers from the operating system's source of randomness."""

    def new(self) -> str:
        """Return a UUID version 7 (RFC 9562, section 5.7) as 32 hexadecimal digits."""
        milliseconds = time.time_ns() // 1_000_000
        random = secrets.randbits(74)
        value = (milliseconds << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
        return f"{value:032x}"

    def token(self, size: int = 16) -> str:
        """Return `size` random bytes as hexadecimal digits."""
        return secrets.token_hex(size)
