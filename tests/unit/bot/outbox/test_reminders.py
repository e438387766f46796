"""At what hours people are reminded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.outbox.reminders import quiet_until

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27 08:00", None),
        ("2026-11-27 21:59", None),
        ("2026-11-26 22:00", "2026-11-27 08:00"),
        ("2026-11-27 07:59", "2026-11-27 08:00"),
        ("2026-11-27 22:00", "2026-11-30 08:00"),
        ("2026-11-28 12:00", "2026-11-30 08:00"),
        ("2026-11-29 23:00", "2026-11-30 08:00"),
    ],
)
def test_nobody_is_reminded_at_night_and_at_weekends(now: str, until: str | None) -> None:
    found = quiet_until(shanghai(now).astimezone(UTC), SHANGHAI, None)
    assert found == (shanghai(until) if until else None)


@pytest.mark.parametrize(("left", "waits"), [(timedelta(hours=2), False), (timedelta(hours=2, seconds=1), True)])
def test_a_deadline_that_is_near_is_worth_a_night(left: timedelta, waits: bool) -> None:
    now = shanghai("2026-11-27 23:00")
    assert (quiet_until(now, SHANGHAI, now + left) is not None) is waits
