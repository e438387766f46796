"""Reads of plans in memory (`core.ports.plans.PlanReads`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.store.memory.paging import page_of
from adapters.store.memory.plan_writes import limit_to_scope
from adapters.store.memory.state import State
from core.approval import pending_voters
from core.errors import NotFound, Thing
from core.plan import Content, Item, Plan, find_items
from core.ports.paging import Page
from core.ports.people import PeopleReads
from core.ports.plans import Mine, PlanQuery, Scope, Version
from core.status import UNENDED, ItemStatus, PlanStatus
from core.workflow import Workflow, mask_credentials

_HEAD, _WITH_ITEMS, _WHOLE = Scope(), Scope(all_items=True), Scope(whole=True)


class MemoryPlanReads:
    """Implements `PlanReads` on a state that no longer changes."""

    def __init__(self, state: State, people: PeopleReads) -> None:
        self._state, self._people = state, people

    def id_of(self, ref: str) -> str:
        """See `PlanReads.id_of`. A deleted plan is not found."""
        for plan in self._plans():
            if ref == plan.id or (ref.isascii() and ref.lstrip("0") == str(plan.number)):
                return plan.id
        raise NotFound(Thing.PLAN, ref)

    def get(self, plan_id: str, *, whole: bool = False) -> Plan:
        """See `PlanReads.get`. A deleted plan is returned too, so that its cards can show that it is deleted."""
        if plan_id not in self._state.plans:
            raise NotFound(Thing.PLAN, plan_id)
        return limit_to_scope(self._state.plans[plan_id], _WHOLE if whole else _WITH_ITEMS)

    def get_masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """See `PlanReads.get_masked`."""
        plans = [self._state.plans[plan_id] for plan_id in plan_ids if plan_id in self._state.plans]
        return {plan.id: replace(plan, items={i.id: _mask(i) for i in plan.items.values()}) for plan in plans}

    def with_form(self, form: str) -> Plan | None:
        """See `PlanReads.with_form`. A deleted plan is not found."""
        found = (plan for plan in self._plans() if any(form == stage.form for stage in plan.approval.stages))
        plan = next(found, None) if form else None
        return limit_to_scope(plan, _HEAD) if plan else None

    def last_success(self, plan: Plan) -> Plan | None:
        """See `PlanReads.last_success`. A deleted plan is not found."""
        line = (each for each in self._plans() if each.line == plan.line and each.id != plan.id)
        found = sorted((each.success_at, each.id) for each in line if each.status is PlanStatus.SUCCESS)
        return limit_to_scope(self._state.plans[found[-1][1]], _HEAD) if found else None

    def page(self, query: PlanQuery) -> Page[Plan]:
        """See `PlanReads.page`."""
        found = {
            plan.number: limit_to_scope(plan, _HEAD)
            for plan in self._plans()
            if query.status in ("", plan.status)
            and query.manager in ("", plan.manager)
            and query.text.casefold() in plan.name.casefold()
        }
        return page_of(found, query.cursor, query.limit)

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """See `PlanReads.mine`."""
        directory = self._people.directory()
        plans = sorted(self._plans(), key=lambda plan: -plan.number)
        managed = [limit_to_scope(plan, _HEAD) for plan in plans if plan.manager == person and plan.status in UNENDED]
        approvals = [limit_to_scope(plan, _HEAD) for plan in plans if person in pending_voters(plan, directory)]
        return Mine(managed[:limit], approvals[:limit], self.waiting(person, limit))

    def waiting(self, person: str, limit: int = 500) -> list[tuple[Plan, Item]]:
        """See `PlanReads.waiting`."""
        found: list[tuple[Plan, Item]] = []
        for plan in sorted(self._plans(), key=lambda plan: -plan.number):
            open_now = plan.items.values() if plan.status is PlanStatus.EXECUTING else ()
            own = [item for item in open_now if item.assignee == person and not item.complete]
            loaded = limit_to_scope(plan, Scope(frozenset(item.id for item in own)))
            found += [(loaded, loaded.items[item.id]) for item in sorted(own, key=lambda item: item.position)]
        return found[:limit]

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """See `PlanReads.find_items`."""
        return find_items(self.get(plan_id).items.values(), text) if plan_id in self._state.plans else []

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """See `PlanReads.open_runs`."""
        going = [
            (plan.id, replace(item, spec=None))
            for plan in self._state.plans.values()
            for item in plan.items.values()
            if item.run and not item.run.status.ended
        ]
        return sorted(going, key=lambda pair: pair[1].id)[:limit]

    def failed_runs(self, limit: int = 100) -> list[tuple[str, Item]]:
        """See `PlanReads.failed_runs`."""
        failed = [
            (plan.id, replace(item, spec=None))
            for plan in self._plans()
            if plan.status is PlanStatus.EXECUTING
            for item in plan.items.values()
            if item.status is ItemStatus.FAILED and item.run and item.run.external_id
        ]
        failed.sort(key=lambda pair: pair[1].id)
        return sorted(failed, key=lambda pair: _ended_at(pair[1]), reverse=True)[:limit]

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `PlanReads.spec`."""
        plan = self._state.plans.get(plan_id)
        item = plan.items.get(item_id) if plan else None
        if item is None or item.spec is None:
            raise NotFound(Thing.ITEM, item_id)
        return item.spec

    def masked_spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `PlanReads.masked_spec`."""
        self.spec(plan_id, item_id)
        return _mask(self._state.plans[plan_id].items[item_id]).spec or {}

    def content(self, plan_id: str) -> Content:
        """See `PlanReads.content`."""
        if plan_id not in self._state.plans:
            raise NotFound(Thing.PLAN, plan_id)
        return self._state.plans[plan_id].content or Content()

    def versions(self, plan_id: str) -> list[Version]:
        """See `PlanReads.versions`."""
        return [version for (of, _), version in sorted(self._state.versions.items()) if of == plan_id]

    def counts(self) -> Mapping[str, int]:
        """See `PlanReads.counts`."""
        return Counter(plan.status.value for plan in self._plans())

    def _plans(self) -> Sequence[Plan]:
        return [plan for plan in self._state.plans.values() if not plan.deleted]


def _mask(item: Item) -> Item:
    if item.type == "text" or item.spec is None:
        return item
    return replace(item, spec=mask_credentials(Workflow.model_validate(item.spec)).dump_given())


def _ended_at(item: Item) -> float:
    return item.run.ended_at.timestamp() if item.run and item.run.ended_at else 0
