"""One transaction in memory (`core.ports.store.Writing`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.store.memory.outbox import MemoryOutbox
from adapters.store.memory.plans import MemoryPlans
from adapters.store.memory.state import State, Timer
from core.errors import Conflict
from core.people import Group, Person
from core.ports.clock import Clock
from core.ports.outbox import Outbox
from core.ports.store import CardRecord, Cards, DueTimer, PeopleWrites, PlanWrites, Timers, Token


class MemoryWriting:
    """Implements `Writing` on a copy of the state."""

    def __init__(self, state: State, clock: Clock) -> None:
        outbox = MemoryOutbox(state, clock)
        self.plans: PlanWrites = MemoryPlans(state, outbox, clock)
        self.outbox: Outbox = outbox
        self.timers: Timers = MemoryTimers(state)
        self.cards: Cards = MemoryCards(state)
        self.people: PeopleWrites = MemoryPeople(state)


class MemoryTimers:
    """Implements `Timers`."""

    def __init__(self, state: State) -> None:
        self._timers = state.timers

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """See `Timers.claim`."""
        due = sorted((timer.claim_at, *key) for key, timer in self._timers.items() if timer.claim_at <= now)
        taken = [(plan_id, kind) for _, plan_id, kind in due[:limit]]
        for key in taken:
            self._timers[key] = Timer(self._timers[key].due_at, now + lease)
        return [DueTimer(plan_id, kind, self._timers[plan_id, kind].due_at) for plan_id, kind in taken]

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """See `Timers.drop`."""
        for due in timers:
            key = due.plan_id, due.kind
            if key in self._timers and self._timers[key].due_at == due.due_at:
                del self._timers[key]


class MemoryCards:
    """Implements `Cards`."""

    def __init__(self, state: State) -> None:
        self._cards = state.cards

    def put(self, records: Sequence[CardRecord]) -> None:
        """See `Cards.put`."""
        self._cards.update((record.id, record) for record in records)

    def drop(self, ids: Collection[str]) -> None:
        """See `Cards.drop`."""
        for card_id in ids:
            self._cards.pop(card_id, None)


class MemoryPeople:
    """Implements `PeopleWrites`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """See `PeopleWrites.put`."""
        self._state.people.update((person.id, person) for person in people)
        self._state.groups.update((group.id, group) for group in groups)

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """See `PeopleWrites.link`."""
        self._state.identities[platform, user] = (person, now)

    def unlink(self, platform: str, user: str) -> None:
        """See `PeopleWrites.unlink`."""
        self._state.identities.pop((platform, user), None)

    def add_token(self, token: Token) -> None:
        """See `PeopleWrites.add_token`."""
        if token.id in self._state.tokens or self._by_digest(token.digest):
            raise Conflict
        self._state.tokens[token.id] = token

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """See `PeopleWrites.use_token`."""
        token = self._by_digest(digest)
        if token is None or token.revoked_at or (token.single_use and token.used_at):
            return None
        if token.expires_at and token.expires_at <= now:
            return None
        used = self._state.tokens[token.id] = replace(token, used_at=now)
        return used

    def forget_links(self, before: datetime) -> int:
        """See `PeopleWrites.forget_links`."""
        tokens = self._state.tokens
        over = [
            token.id
            for token in tokens.values()
            if token.single_use and any(at and at < before for at in (token.used_at, token.expires_at))
        ]
        for token_id in over:
            del tokens[token_id]
        return len(over)

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """See `PeopleWrites.revoke_token`."""
        token = self._state.tokens.get(token_id)
        if token is None:
            return False
        self._state.tokens[token_id] = replace(token, revoked_at=token.revoked_at or now)
        return True

    def _by_digest(self, digest: str) -> Token | None:
        return next((token for token in self._state.tokens.values() if token.digest == digest), None)
