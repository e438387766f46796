"""Opaque cursors: the place in a list where the next page starts."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from core.errors import Invalid, Problem


def encode(number: int) -> str:
    """Return the cursor that continues a list after a number."""
    return urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Return the number that a cursor stands for.

    Raises Invalid when it was not made by `encode`.
    """
    try:
        number = int(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii"))
    except ValueError:
        number = -1
    if not 0 <= number < 2**63 or encode(number) != cursor:
        raise Invalid(Problem("cursor", "this cursor was not given out by a list; start without one"))
    return number
