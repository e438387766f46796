"""The clock of the machine, and identifiers from its randomness."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)


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
