"""The retry schedule of hooks, and when a failing receiver is disabled: pure functions.

The delays are those of the example in Standard Webhooks 1.0.0: ten attempts in 75.6 hours. Svix, too, disables a
receiver after 120 hours of failures.
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
"""The delay before each attempt."""

JITTER = 0.2
"""The fraction by which a delay is randomly shortened or lengthened, so that hooks are not all retried at once."""

MAX_RETRY_AFTER = timedelta(hours=1)
"""The longest delay that a receiver may request."""

DISABLE_AFTER = timedelta(hours=120)
"""How long a receiver may fail without a success before it is disabled."""


def next_delay(failed: int, random: Callable[[], float]) -> timedelta | None:
    """Return the delay before the next attempt after `failed` attempts, or None when there is no further attempt.

    `random` returns a number from 0 to 1.
    """
    if failed >= len(DELAYS):
        return None
    return DELAYS[failed] * (1 - JITTER + 2 * JITTER * random())


def should_disable(failing_since: datetime, now: datetime) -> bool:
    """Return whether to disable a receiver whose first failure since its last success was at `failing_since`."""
    return now - failing_since >= DISABLE_AFTER
