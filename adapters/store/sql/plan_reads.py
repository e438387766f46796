"""Reads of plans in the database (`core.ports.plans.PlanReads`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select

from adapters.store.sql.loading import WHOLE, WITH_ITEMS, Loader
from adapters.store.sql.mine import MineQueries, waiting
from adapters.store.sql.paging import page_of
from adapters.store.sql.rows import AnyRow, content_of, item_of, moment
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.tables import FORMED, RUN_OPEN, contents, item_specs, items, plans, stages, versions
from core.errors import NotFound, Thing
from core.plan import Content, Item, Plan, find_items
from core.ports.paging import Page
from core.ports.people import PeopleReads
from core.ports.plans import Mine, PlanQuery, Version
from core.status import ItemStatus, PlanStatus

_LONGEST_NUMBER = 9
"""How many digits the largest plan number has; a longer text of digits is an id that happens to have no letter."""
_ID = select(plans.c.id).where(~plans.c.deleted)
_NUMBERED, _NAMED = (_ID.where(column == bindparam("ref")) for column in (plans.c.number, plans.c.id))
"""Built once: that takes longer than running them."""
_LAST_SUCCESS = (
    select(plans)
    .where(or_(plans.c.lineage == bindparam("of"), plans.c.id == bindparam("of")), plans.c.id != bindparam("but"))
    .where(plans.c.status == PlanStatus.SUCCESS, ~plans.c.deleted)
    .order_by(plans.c.success_at.desc())
    .limit(1)
)


class SqlPlanReads:
    """Implements `PlanReads` in SQL."""

    def __init__(self, connection: Connection, sealing: Sealing, people: PeopleReads) -> None:
        self._connection, self._people = connection, people
        self._loader = Loader(connection, sealing)

    def id_of(self, ref: str) -> str:
        """See `PlanReads.id_of`. A deleted plan is not found."""
        by_number = ref.isascii() and ref.isdecimal() and len(ref) <= _LONGEST_NUMBER
        statement, named = (_NUMBERED, int(ref)) if by_number else (_NAMED, ref)
        plan_id = self._connection.execute(statement, {"ref": named}).scalar()
        if plan_id is None:
            raise NotFound(Thing.PLAN, ref)
        return str(plan_id)

    def get(self, plan_id: str, *, whole: bool = False) -> Plan:
        """See `PlanReads.get`. A deleted plan is returned too, so that its cards can show that it is deleted."""
        found = self._loader.load({plan_id: WHOLE if whole else WITH_ITEMS})
        if plan_id not in found:
            raise NotFound(Thing.PLAN, plan_id)
        return found[plan_id]

    def get_masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """See `PlanReads.get_masked`. Specs are stored masked, so that nothing is unsealed."""
        return Loader(self._connection, None).load(dict.fromkeys(plan_ids, WHOLE))

    def with_form(self, form: str) -> Plan | None:
        """See `PlanReads.with_form`. A deleted plan is not found."""
        statement = select(plans).join(stages).where(stages.c.form == form, FORMED, ~plans.c.deleted).limit(1)
        found = self._loader.assemble(self._connection.execute(statement).all())
        return found[0] if found else None

    def last_success(self, plan: Plan) -> Plan | None:
        """See `PlanReads.last_success`. A deleted plan is not found."""
        found = self._loader.assemble(self._connection.execute(_LAST_SUCCESS, {"of": plan.line, "but": plan.id}).all())
        return found[0] if found else None

    def page(self, query: PlanQuery) -> Page[Plan]:
        """See `PlanReads.page`."""
        statement = select(plans).where(~plans.c.deleted)
        if query.status:
            statement = statement.where(plans.c.status == query.status)
        if query.manager:
            statement = statement.where(plans.c.manager == query.manager)
        if query.text:
            statement = statement.where(plans.c.name.icontains(query.text, autoescape=True))
        rows, next_cursor = page_of(self._connection, statement, plans.c.number, query.cursor, query.limit)
        return Page(self._loader.assemble(rows), next_cursor)

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """See `PlanReads.mine`."""
        return MineQueries(self._connection, self._loader, self._people.directory()).mine(person, names, limit)

    def waiting(self, person: str, limit: int = 500) -> list[tuple[Plan, Item]]:
        """See `PlanReads.waiting`."""
        return waiting(self._connection, self._loader, person, limit)

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """See `PlanReads.find_items`."""
        statement = select(items).where(items.c.plan_id == plan_id).order_by(items.c.position)
        return find_items([item_of(row) for row in self._connection.execute(statement)], text)

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """See `PlanReads.open_runs`."""
        rows = self._connection.execute(select(items).where(RUN_OPEN).order_by(items.c.id).limit(limit))
        return [(row.plan_id, item_of(row)) for row in rows]

    def failed_runs(self, limit: int = 100) -> list[tuple[str, Item]]:
        """See `PlanReads.failed_runs`."""
        statement = select(items).join(plans).where(
            plans.c.status == PlanStatus.EXECUTING, ~plans.c.deleted,
            items.c.status == ItemStatus.FAILED, items.c.run_external_id != "",
        )  # fmt: skip
        rows = self._connection.execute(statement.order_by(items.c.run_ended_at.desc(), items.c.id).limit(limit))
        return [(row.plan_id, item_of(row)) for row in rows]

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `PlanReads.spec`."""
        return self._loader.spec(self._spec_row(plan_id, item_id))

    def masked_spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `PlanReads.masked_spec`."""
        return Loader(self._connection, None).spec(self._spec_row(plan_id, item_id))

    def _spec_row(self, plan_id: str, item_id: str) -> AnyRow:
        statement = select(item_specs).join(items).where(items.c.id == item_id, items.c.plan_id == plan_id)
        row = self._connection.execute(statement).first()
        if row is None:
            raise NotFound(Thing.ITEM, item_id)
        return row

    def content(self, plan_id: str) -> Content:
        """See `PlanReads.content`."""
        row = self._connection.execute(select(contents).where(contents.c.plan_id == plan_id)).first()
        if row is None:
            raise NotFound(Thing.PLAN, plan_id)
        return content_of(row)

    def versions(self, plan_id: str) -> list[Version]:
        """See `PlanReads.versions`."""
        statement = select(versions).where(versions.c.plan_id == plan_id).order_by(versions.c.revision)
        return [
            Version(row.revision, moment(row.at), row.by, row.instance_code, json.loads(row.content))
            for row in self._connection.execute(statement)
        ]

    def counts(self) -> Mapping[str, int]:
        """See `PlanReads.counts`."""
        statement = select(plans.c.status, func.count()).where(~plans.c.deleted).group_by(plans.c.status)
        return dict(self._connection.execute(statement).all())
