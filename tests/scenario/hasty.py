"""`fabu` with leases and signs of life of seconds: what takes a minute is over in a test before anybody is tired.

They are long enough for a machine with several times the work that it can do.
"""

from __future__ import annotations

from datetime import timedelta

from adapters.hooks import schedule
from bot import app, replicas
from bot.cli import main
from bot.outbox import leases, runs, worker

LEASE = timedelta(seconds=4)


def hurry() -> None:
    """Shorten leases, signs of life, polls, and the delays of hooks."""
    for module in (leases, runs, worker):
        module.LEASE = LEASE  # type: ignore[attr-defined]
    worker._RENEWAL = timedelta(seconds=1)
    replicas.BEAT, replicas.GONE_AFTER, replicas._GAP = 0.5, 6.0, 3.0
    app.POLL = 1.0
    schedule.DELAYS = (timedelta(), *[timedelta(seconds=1)] * 100)  # type: ignore[assignment]


if __name__ == "__main__":
    hurry()
    main()
