"""A decision in progress: the events so far, and the plan after them."""

from __future__ import annotations

from core.apply import apply
from core.context import Context
from core.events import AnyEvent, Created
from core.plan import Plan


class PendingDecision:
    """Collects events and applies each at once, so that the next step is decided on the plan after it."""

    __slots__ = ("context", "events", "plan")

    def __init__(self, plan: Plan, context: Context, *events: Created) -> None:
        self.plan = plan
        self.context = context
        self.events: list[AnyEvent | Created] = list(events)

    def add(self, event: AnyEvent) -> None:
        """Add an event and apply it to the plan."""
        self.events.append(event)
        self.plan = apply(self.plan, event, self.context.stamp)
