"""Loads plans from the database: one statement per table for any number of plans, and no table without need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from adapters.store.sql.rows import AnyRow, content_of, fetch, item_of, plan_of, stage_of, vote_of
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.tables import contents, item_specs, items, plans, stages, votes
from core.plan import Content, Item, Plan, Stage, StoredSpec, Vote
from core.ports.plans import Scope
from core.workflow import Workflow, join_credentials

WITH_ITEMS = Scope(all_items=True)
WHOLE = Scope(whole=True)

_NO_ITEMS: Mapping[str, Item] = MappingProxyType({})

_ids: BindParameter[Any] = bindparam("ids", expanding=True)
HEADS = select(plans).where(plans.c.id.in_(_ids)).order_by(plans.c.id)
LOCKED_HEADS = HEADS.with_for_update()
"""Plans are locked in the order of their ids, so that transactions on the same plans cannot deadlock."""
_STAGES = select(stages).where(stages.c.plan_id.in_(_ids)).order_by(stages.c.plan_id, stages.c.position)
_VOTES = (
    select(votes)
    .join(plans, (plans.c.id == votes.c.plan_id) & (plans.c.revision == votes.c.revision))
    .where(votes.c.plan_id.in_(_ids))
    .order_by(votes.c.plan_id, votes.c.position)
)
_CONTENTS = select(contents).where(contents.c.plan_id.in_(_ids))
_SOME_ITEMS = select(items).where(items.c.id.in_(_ids))
_ALL_ITEMS = select(items).where(items.c.plan_id.in_(_ids)).order_by(items.c.plan_id, items.c.position)
_WHOLE_ITEMS = _ALL_ITEMS.add_columns(item_specs).join(item_specs)


class Loader:
    """Assembles plans from their rows, each limited to its scope; without `sealing` credentials stay masked."""

    def __init__(self, connection: Connection, sealing: Sealing | None) -> None:
        self._connection, self._sealing = connection, sealing

    def load(self, scopes: Mapping[str, Scope], heads: Select[Any] = HEADS) -> dict[str, Plan]:
        """Return the plans that exist, by id."""
        rows = self._rows(heads, scopes)
        found = self._items({row.id: scopes[row.id] for row in rows})
        return {plan.id: plan for plan in self.assemble(rows, found, self._contents(scopes))}

    def assemble(
        self,
        rows: Sequence[AnyRow],
        items_of: Mapping[str, Mapping[str, Item]] = MappingProxyType({}),
        contents_of: Mapping[str, Content] = MappingProxyType({}),
    ) -> list[Plan]:
        """Return the plans of rows of `plans`, in their order, with their stages and votes, and the items and contents.

        Items and contents are those of each plan, by its id.
        """
        stages_of: dict[str, list[Stage]] = defaultdict(list)
        for row in self._rows(_STAGES, [row.id for row in rows]):
            stages_of[row.plan_id].append(stage_of(row))
        votes_of: dict[str, list[Vote]] = defaultdict(list)
        for row in self._rows(_VOTES, list(stages_of)):
            votes_of[row.plan_id].append(vote_of(row))
        return [
            plan_of(
                row,
                tuple(stages_of.get(row.id, ())),
                tuple(votes_of.get(row.id, ())),
                items_of.get(row.id, _NO_ITEMS),
                contents_of.get(row.id),
            )
            for row in rows
        ]

    def spec(self, row: AnyRow) -> Mapping[str, Any]:
        """Return the spec of a row of `item_specs`, joined with its credentials."""
        stored = StoredSpec(row.spec, row.given)
        if self._sealing is None:
            return stored
        spec = dict(stored)
        if row.secrets is None:
            return spec
        secrets = self._sealing.unseal(row.secrets, row.item_id)
        return join_credentials(Workflow.model_validate(spec), secrets).dump_given()

    def _rows(self, statement: Select[Any], ids: Collection[str]) -> Sequence[AnyRow]:
        return fetch(self._connection.execute(statement, {"ids": list(ids)})) if ids else ()

    def _contents(self, scopes: Mapping[str, Scope]) -> dict[str, Content]:
        rows = self._rows(_CONTENTS, [plan_id for plan_id, scope in scopes.items() if scope.whole])
        return {row.plan_id: content_of(row) for row in rows}

    def _items(self, scopes: Mapping[str, Scope]) -> dict[str, Mapping[str, Item]]:
        found: dict[str, dict[str, Item]] = defaultdict(dict)
        whole = [plan_id for plan_id, scope in scopes.items() if scope.whole]
        for row in self._rows(_WHOLE_ITEMS, whole):
            found[row.plan_id][row.id] = item_of(row, self.spec(row))
        everything = [plan_id for plan_id, scope in scopes.items() if scope.all_items and not scope.whole]
        for row in self._rows(_ALL_ITEMS, everything):
            found[row.plan_id][row.id] = item_of(row)
        some = {plan_id: scope.items for plan_id, scope in scopes.items() if not (scope.whole or scope.all_items)}
        self._add_some(found, some)
        return {plan_id: MappingProxyType(of_plan) for plan_id, of_plan in found.items()}

    def _add_some(self, found: dict[str, dict[str, Item]], wanted: Mapping[str, Iterable[str]]) -> None:
        """Add the wanted items of each plan, then the items that they need."""
        for row in self._rows(_SOME_ITEMS, {item_id for ids in wanted.values() for item_id in ids}):
            if row.id in wanted.get(row.plan_id, ()):
                found[row.plan_id][row.id] = item_of(row)
        needed = {
            need
            for plan_id in wanted
            for item in found.get(plan_id, _NO_ITEMS).values()
            for need in item.needs
            if need not in found[plan_id]
        }
        for row in self._rows(_SOME_ITEMS, needed):
            found[row.plan_id][row.id] = item_of(row)
