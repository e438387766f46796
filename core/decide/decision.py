"""A decision while it is being made: the plan as it becomes, and the events that made it so."""

from __future__ import annotations

from core.apply import apply
from core.context import Context
from core.events import AnyEvent, Created
from core.plan import Plan


class PendingDecision:
    """Collects events; each is applied at once, so that what follows is decided on the plan as it then is."""

    __slots__ = ("context", "events", "plan")

    def __init__(self, plan: Plan, context: Context, *events: Created) -> None:
        self.plan = plan
        self.context = context
        self.events: list[AnyEvent | Created] = list(events)

    def add(self, event: AnyEvent) -> None:
        """Let an event happen."""
        self.events.append(event)
        self.plan = apply(self.plan, event, self.context.stamp)
