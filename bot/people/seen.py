"""Who was shown which revision of a plan: what a person decides on in a chat, that person has seen."""

from __future__ import annotations

from core.plan import Plan
from core.ports.clock import Clock
from core.ports.store import Store


async def note_seen(store: Store, clock: Clock, plan: Plan, person: str) -> None:
    """Record that a person was shown the present revision of a plan."""
    shown = await store.read(lambda reading: reading.seen.revisions(plan.id, person))
    if plan.revision not in shown:
        await store.write(lambda writing: writing.seen.put(plan.id, person, plan.revision, clock.now()))
