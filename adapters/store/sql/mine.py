"""Queries for what concerns a person now, and what waits for them (`core.ports.plans`)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from adapters.store.sql.loading import HEADS, Loader
from adapters.store.sql.rows import AnyRow
from adapters.store.sql.tables import ASSIGNED, items, plans, stages
from core.approval import pending_voters
from core.people import Directory
from core.plan import Item, Plan
from core.ports.plans import Mine, Scope
from core.status import UNENDED, ItemStatus, PlanStatus


@dataclass(frozen=True, slots=True)
class MineQueries:
    """Reads the three lists, newest plans first."""

    connection: Connection
    loader: Loader
    directory: Directory

    def mine(self, person: str, names: Collection[str], limit: int) -> Mine:
        """Return what concerns a person; `names` are the person and their `@groups`."""
        return Mine(
            self._managed(person, limit),
            self._approvals(person, names, limit),
            waiting(self.connection, self.loader, person, limit),
        )

    def _managed(self, person: str, limit: int) -> list[Plan]:
        statement = (
            select(plans)
            .where(
                plans.c.manager == person, plans.c.status.in_([status.value for status in UNENDED]), ~plans.c.deleted
            )
            .order_by(plans.c.number.desc())
            .limit(limit)
        )
        return self.loader.assemble(self.connection.execute(statement).all())

    def _approvals(self, person: str, names: Collection[str], limit: int) -> list[Plan]:
        """Check the current stage of every plan that waits for approval: they are few, however many plans there are."""
        statement = (
            select(plans.c.id, plans.c.delegates, stages.c.approvers)
            .join(stages, (stages.c.plan_id == plans.c.id) & (stages.c.position == plans.c.stage))
            .where(plans.c.status == PlanStatus.WAIT_FOR_APPROVAL.value, ~plans.c.deleted)
        )
        candidates = [
            row.id
            for row in self.connection.execute(statement)
            if not set(json.loads(row.approvers)).isdisjoint(names) or person in json.loads(row.delegates).values()
        ]
        waiting = [plan for plan in self._heads(candidates).values() if person in pending_voters(plan, self.directory)]
        return sorted(waiting, key=lambda plan: -plan.number)[:limit]

    def _heads(self, plan_ids: Collection[str]) -> dict[str, Plan]:
        rows = self.connection.execute(HEADS, {"ids": list(plan_ids)}).all() if plan_ids else ()
        return {plan.id: plan for plan in self.loader.assemble(rows)}


def waiting(connection: Connection, loader: Loader, person: str, limit: int) -> list[tuple[Plan, Item]]:
    """Return the incomplete items of a person in executing plans, each plan with them and what they need."""
    statement = (
        select(items.c.id, items.c.plan_id)
        .join(plans, plans.c.id == items.c.plan_id)
        .where(
            items.c.assignee == person,
            ASSIGNED,
            items.c.status.in_([status.value for status in ItemStatus if not status.complete]),
            plans.c.status == PlanStatus.EXECUTING.value,
        )
        .order_by(plans.c.number.desc(), items.c.position)
        .limit(limit)
    )
    rows: Sequence[AnyRow] = connection.execute(statement).all()
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        wanted[row.plan_id].add(row.id)
    found = loader.load({plan_id: Scope(frozenset(ids)) for plan_id, ids in wanted.items()})
    return [(found[row.plan_id], found[row.plan_id].items[row.id]) for row in rows]
