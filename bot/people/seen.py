"""Who was shown which revision of a plan: what a person decides on in a chat, that person has seen."""

from __future__ import annotations

from core.plan import Plan
from core.ports.clock import Clock
from core.ports.store import Store


async def has_seen(store: Store, plan: Plan, person: str) -> bool:
    """Return whether a person was shown the present revision of a plan."""
    return plan.revision in await store.read(lambda reading: reading.seen.revisions(plan.id, person))


async def note_seen(store: Store, clock: Clock, plan: Plan, person: str) -> None:
    """Record that a person was shown the present revision of a plan."""
    if not await has_seen(store, plan, person):
        await store.write(lambda writing: writing.seen.put(plan.id, person, plan.revision, clock.now()))
