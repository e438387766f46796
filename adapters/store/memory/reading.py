"""A consistent view of the store in memory (`core.ports.store.Reading`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from itertools import takewhile
from typing import Any, TypeVar

from adapters.store import cursors
from adapters.store.memory.plans import within
from adapters.store.memory.state import State
from core.approval import pending_voters
from core.audit import LogEntry
from core.errors import NotFound
from core.people import Directory
from core.plan import Item, Plan
from core.ports.outbox import Attempt, Delivery, Failing
from core.ports.store import CardRecord, Mine, Page, PlanQuery, Scope, Token, Version
from core.status import UNENDED, PlanStatus
from core.workflow import Workflow, mask_credentials

T = TypeVar("T")

_HEAD, _WITH_ITEMS, _WHOLE = Scope(), Scope(all_items=True), Scope(whole=True)


class MemoryReading:
    """Implements `Reading` on a state that nobody changes any more."""

    def __init__(self, state: State) -> None:
        self._state = state

    def plan_id(self, ref: str) -> str:
        """See `Reading.plan_id`. A deleted plan is not found."""
        for plan in self._plans():
            if ref == plan.id or (ref.isascii() and ref.lstrip("0") == str(plan.number)):
                return plan.id
        raise NotFound(what="plan", ref=ref)

    def plan(self, plan_id: str, *, whole: bool = False) -> Plan:
        """See `Reading.plan`. A deleted plan is returned as such, so that its cards can say so."""
        if plan_id not in self._state.plans:
            raise NotFound(what="plan", ref=plan_id)
        return within(self._state.plans[plan_id], _WHOLE if whole else _WITH_ITEMS)

    def masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """See `Reading.masked`."""
        plans = [self._state.plans[plan_id] for plan_id in plan_ids if plan_id in self._state.plans]
        return {plan.id: replace(plan, items={i.id: _masked(i) for i in plan.items.values()}) for plan in plans}

    def plans(self, query: PlanQuery) -> Page[Plan]:
        """See `Reading.plans`."""
        found = {
            plan.number: within(plan, _HEAD)
            for plan in self._plans()
            if query.status in ("", plan.status)
            and query.manager in ("", plan.manager)
            and query.text.casefold() in plan.name.casefold()
        }
        return _page(found, query.cursor, query.limit)

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """See `Reading.mine`."""
        directory = self.directory()
        plans = sorted(self._plans(), key=lambda plan: -plan.number)
        managed = [within(plan, _HEAD) for plan in plans if plan.manager == person and plan.status in UNENDED]
        approvals = [within(plan, _HEAD) for plan in plans if person in pending_voters(plan, directory)]
        items = [
            (within(plan, _HEAD), replace(item, spec=None))
            for plan in plans
            for item in plan.items.values()
            if plan.status is PlanStatus.EXECUTING and item.assignee == person and not item.complete
        ]
        return Mine(managed[:limit], approvals[:limit], items[:limit])

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """See `Reading.find_items`."""
        wanted = text.strip()
        items = list(self.plan(plan_id).items.values()) if wanted and plan_id in self._state.plans else []
        return (
            [item for item in items if str(item.position) == wanted]
            or [item for item in items if item.key == wanted]
            or [item for item in items if wanted.casefold() in item.name.casefold()]
        )

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """See `Reading.open_runs`."""
        going = [
            (plan.id, replace(item, spec=None))
            for plan in self._state.plans.values()
            for item in plan.items.values()
            if item.run and not item.run.status.ended
        ]
        return sorted(going, key=lambda pair: pair[1].id)[:limit]

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `Reading.spec`."""
        plan = self._state.plans.get(plan_id)
        item = plan.items.get(item_id) if plan else None
        if item is None or item.spec is None:
            raise NotFound(what="item", ref=item_id)
        return item.spec

    def log(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """See `Reading.log`."""
        return [e for e in self._state.log.values() if e.plan_id == plan_id and e.seq > after][:limit]

    def log_since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """See `Reading.log_since`."""
        return [entry for entry in self._state.log.values() if entry.id > entry_id][:limit]

    def versions(self, plan_id: str) -> list[Version]:
        """See `Reading.versions`."""
        return [version for (of, _), version in sorted(self._state.versions.items()) if of == plan_id]

    def deliveries(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """See `Reading.deliveries`."""
        found = {
            seq: delivery
            for seq, delivery in self._state.deliveries.items()
            if plan_id in ("", delivery.effect.plan_id) and state in ("", delivery.state)
        }
        return _page(found, cursor, limit)

    def named_deliveries(self, effect_ids: Collection[str]) -> list[Delivery]:
        """See `Reading.named_deliveries`."""
        return [delivery for delivery in self._state.deliveries.values() if delivery.effect.id in effect_ids]

    def attempts(self, effect_id: str) -> list[Attempt]:
        """See `Reading.attempts`."""
        return list(self._state.attempts.get(effect_id, ()))

    def failing(self, destination: str) -> Failing | None:
        """See `Reading.failing`."""
        ids = [d.effect.id for d in self._state.deliveries.values() if d.effect.destination == destination]
        tries = sorted((a for effect_id in ids for a in self.attempts(effect_id)), key=lambda a: a.at, reverse=True)
        failed = list(takewhile(lambda attempt: attempt.error, tries))
        return Failing(failed[-1].at, any(a.status == HTTPStatus.GONE for a in failed)) if failed else None

    def cards(self, plan_id: str, platform: str) -> list[CardRecord]:
        """See `Reading.cards`."""
        found = [card for card in self._state.cards.values() if (card.plan_id, card.platform) == (plan_id, platform)]
        return sorted(found, key=lambda card: card.id)

    def directory(self) -> Directory:
        """See `Reading.directory`."""
        return Directory(self._state.people, self._state.groups)

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """See `Reading.identity`."""
        return self._state.identities.get((platform, user))

    def tokens(self, person: str = "") -> list[Token]:
        """See `Reading.tokens`."""
        found = [token for token in self._state.tokens.values() if person in ("", token.person)]
        return sorted(found, key=lambda token: (token.created_at, token.id))

    def counts(self) -> Mapping[str, int]:
        """See `Reading.counts`."""
        statuses = (f"plans.{plan.status}" for plan in self._plans())
        states = (f"deliveries.{delivery.state}" for delivery in self._state.deliveries.values())
        return Counter([*statuses, *states])

    def _plans(self) -> Sequence[Plan]:
        return [plan for plan in self._state.plans.values() if not plan.deleted]


def _page(found: Mapping[int, T], cursor: str, limit: int) -> Page[T]:
    """Return at most `limit` values, the largest keys first."""
    before = cursors.decode(cursor) if cursor else None
    keys = sorted((key for key in found if before is None or key < before), reverse=True)
    shown = keys[:limit]
    return Page([found[key] for key in shown], cursors.encode(shown[-1]) if len(keys) > limit else "")


def _masked(item: Item) -> Item:
    if item.type == "text" or item.spec is None:
        return item
    return replace(item, spec=mask_credentials(Workflow.model_validate(item.spec)).dump())
