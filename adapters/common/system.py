"""The system's clock and its random identifiers: the ports `Clock` and `Ids`; and the server as a process of it."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime


class SystemClock:
    """The system clock (`core.ports.clock.Clock`)."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)


class SystemIds:
    """Random identifiers (`core.ports.clock.Ids`), from the operating system's source of randomness."""

    def new(self) -> str:
        """Return a UUID version 7 (RFC 9562, section 5.7) as 32 hexadecimal digits."""
        milliseconds = time.time_ns() // 1_000_000
        random = secrets.randbits(74)
        value = (milliseconds << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
        return f"{value:032x}"

    def new_plan(self) -> str:
        """Return 24 hexadecimal digits: the time in milliseconds, and 48 random bits."""
        return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"

    def token(self, size: int = 16) -> str:
        """Return `size` random bytes as hexadecimal digits."""
        return secrets.token_hex(size)


_PR_SET_DUMPABLE = 4


def hide_process() -> None:
    """Let no other process of this user read the memory and the environment of this one (prctl(2)); Linux only.

    Processes that it starts are not hidden.
    """
    if sys.platform != "linux":
        return
    import ctypes  # here, where it is used: other commands start without it

    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the process cannot be hidden")
