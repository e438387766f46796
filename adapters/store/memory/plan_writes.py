"""Plans inside a transaction in memory (`core.ports.plans.PlanWrites`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from adapters.store.memory.outbox import MemoryOutbox
from adapters.store.memory.state import State, Timer
from core.audit import Head, LogEntry, link_entries
from core.errors import Conflict
from core.plan import Item, Plan
from core.ports.clock import Clock
from core.ports.plans import Change, Scope, Version


def limit_to_scope(plan: Plan, scope: Scope) -> Plan:
    """Return a stored plan with only the items, specs and content of a scope."""
    if scope.whole:
        return plan
    if scope.all_items:
        selected = list(plan.items.values())
    else:
        requested = [item for item in plan.items.values() if item.id in scope.items]
        needed = {need for item in requested for need in item.needs}
        selected = requested + [item for item in plan.items.values() if item.id in needed - scope.items]
    items = MappingProxyType({item.id: replace(item, spec=None) for item in selected})
    return replace(plan, items=items, content=None)


class MemoryPlanWrites:
    """Implements `PlanWrites`. Plans are stored whole."""

    def __init__(self, state: State, outbox: MemoryOutbox, clock: Clock) -> None:
        self._state, self._outbox, self._clock = state, outbox, clock

    def load(self, scopes: Mapping[str, Scope]) -> Mapping[str, Plan]:
        """See `PlanWrites.load`."""
        plans = self._state.plans
        return {plan_id: limit_to_scope(plans[plan_id], scope) for plan_id, scope in scopes.items() if plan_id in plans}

    def next_number(self) -> int:
        """See `PlanWrites.next_number`."""
        self._state.number += 1
        return self._state.number

    def save(self, changes: Sequence[Change], link_key: bytes) -> None:
        """See `PlanWrites.save`."""
        self._store_log([entry for change in changes for entry in change.entries], link_key)
        for change in changes:
            self._store_plan(change.before, change.after)
            self._store_history(change)
            self._outbox.add(change.effects)

    def _store_plan(self, before: Plan | None, after: Plan) -> None:
        stored = self._state.plans.get(after.id)
        if (stored and stored.version) != (before and before.version):
            raise Conflict
        known = stored.items if stored else {}
        kept = {item_id: item for item_id, item in known.items() if before and item_id not in before.items}
        changed = {item.id: _with_spec(item, known.get(item.id)) for item in after.items.values()}
        items = sorted((kept | changed).values(), key=lambda item: item.position)
        content = after.content or (stored.content if stored else None)
        by_id = MappingProxyType({item.id: item for item in items})
        self._state.plans[after.id] = replace(after, items=by_id, content=content)

    def _store_log(self, entries: Sequence[LogEntry], link_key: bytes) -> None:
        for entry in link_entries(entries, self._state.head, link_key):
            entry_id = len(self._state.log) + 1
            self._state.log[entry_id] = replace(entry, id=entry_id)
            self._state.head = Head(entry.link_seq, entry.link)

    def _store_history(self, change: Change) -> None:
        """Store versions, timers and accepted requests."""
        state, plan = self._state, change.after
        for then, draft in change.drafts:
            content = draft.mask_credentials().model_dump(mode="json")
            version = Version(then.revision, then.updated_at, then.updated_by, then.instance_code, content)
            state.versions[then.id, then.revision] = version
        for kind, due_at in change.timers.items():
            state.timers.pop((plan.id, kind), None)
            if due_at:
                state.timers[plan.id, kind] = Timer(due_at, due_at)
        for key, request in change.requests.items():
            if key in state.inbox:
                raise Conflict
            state.inbox[key] = (request, self._clock.now())


def _with_spec(item: Item, stored: Item | None) -> Item:
    return replace(item, spec=stored.spec) if item.spec is None and stored else item
