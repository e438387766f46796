"""When a failed hook is tried again, and when its receiver is given up: pure functions.

The steps are the example of Standard Webhooks 1.0.0: ten attempts over 75 hours and a half. The rule of 120 hours is
that of Svix.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause before each attempt."""

JITTER = 0.2
"""The share by which a pause is shortened or lengthened, so that many hooks do not come back at once."""

MAX_RETRY_AFTER = timedelta(hours=1)
"""The longest pause a receiver may ask for."""

DISABLE_AFTER = timedelta(hours=120)
"""How long a receiver may do nothing but fail."""


def next_delay(made: int, random: Callable[[], float], retry_after: timedelta | None = None) -> timedelta | None:
    """Return the pause after `made` failed attempts, or `None` when there are no more.

    `random` gives a number from 0 to 1. A receiver's own `retry_after` can lengthen the pause, up to `MAX_RETRY_AFTER`.
    """
    if made >= len(DELAYS):
        return None
    delay = DELAYS[made] * (1 - JITTER + 2 * JITTER * random())
    return max(delay, min(retry_after or timedelta(0), MAX_RETRY_AFTER))


def should_disable(failing_since: datetime, now: datetime) -> bool:
    """Tell whether to stop sending to a receiver whose first failure since its last success was at `failing_since`."""
    return now - failing_since >= DISABLE_AFTER
