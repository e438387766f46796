"""Reminders of a plan that waits for votes: which one is sent, and at what hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.plan import Plan

_PURPOSE: Final = "reminder:"
"""What the purpose of the card of a reminder begins with; its number follows."""
_MORNING: Final = time(8)
_EVENING: Final = time(22)
_URGENT: Final = timedelta(hours=2)
"""How little time must be left for a reminder in the night or at a weekend."""
_SATURDAY: Final = 5


def reminder_of(plan: Plan) -> str:
    """Return the purpose of the card of the plan's last reminder."""
    return f"{_PURPOSE}{plan.approval.reminders}"


def is_reminder(purpose: str) -> bool:
    """Return whether a card with a purpose is a reminder."""
    return purpose.startswith(_PURPOSE)


def quiet_until(now: datetime, zone: ZoneInfo, deadline: datetime | None) -> datetime | None:
    """Return the next morning of a working day if it is night or weekend for a reader; None for no wait.

    Until there is a calendar, Monday to Friday are the working days. When little time is left, nobody waits.
    """
    local = now.astimezone(zone)
    is_day = local.weekday() < _SATURDAY and _MORNING <= local.time() < _EVENING
    if is_day or (deadline is not None and deadline - now <= _URGENT):
        return None
    day = local.date() if local.time() < _MORNING else local.date() + timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, _MORNING, zone)
