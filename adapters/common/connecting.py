"""Why a connection was not made, in words that an operator knows."""

from __future__ import annotations

import os
from typing import Any


def unreached(error: Exception) -> str:
    """Return why a connection was not made, in the words of the system: `Connection refused`."""
    cause: Any = getattr(error, "os_error", error)  # aiohttp puts a text of its own around it, asyncio another
    text = str(getattr(cause, "strerror", None) or cause)
    return os.strerror(cause.errno) if text.startswith("Connect call failed") else text
