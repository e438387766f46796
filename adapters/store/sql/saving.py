"""Plans into the database: only what differs, with one statement per table for a whole batch of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, update
from sqlalchemy.sql.dml import UpdateBase

from adapters.store.sql.announcing import announce
from adapters.store.sql.outbox import ADD_EFFECT, effect_values
from adapters.store.sql.rows import (
    Values,
    birth_values,
    item_values,
    log_values,
    logged_values,
    micros,
    planned_values,
    progress_values,
    run_values,
    stage_values,
    to_json,
    vote_values,
)
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.tables import (
    contents,
    inbox,
    item_specs,
    items,
    log,
    plans,
    runs,
    stages,
    timers,
    versions,
    votes,
)
from core.draft import PlanDraft
from core.errors import Conflict
from core.plan import Item, Plan
from core.ports.plans import Change
from core.workflow import Workflow, split_credentials

_of: BindParameter[str] = bindparam("of")
_this_version = (plans.c.id == _of, plans.c.version == bindparam("before"))

_ADD_PLAN, _ADD_STAGE, _ADD_VOTE, _ADD_ITEM, _ADD_RUN = map(insert, (plans, stages, votes, items, runs))
_ADD_SPEC, _ADD_CONTENT, _ADD_VERSION, _ADD_TIMER, _ADD_REQUEST = map(
    insert, (item_specs, contents, versions, timers, inbox)
)
_SET_PLAN, _SET_PROGRESS, _SET_LOGGED = (update(plans).where(*_this_version) for _ in range(3))
_SETTING = frozenset({_SET_PLAN, _SET_PROGRESS, _SET_LOGGED})
_SET_ITEM, _SET_RUN = update(items).where(items.c.id == _of), update(runs).where(runs.c.id == _of)
_DROP_STAGES = delete(stages).where(stages.c.plan_id == _of)
_DROP_CONTENT = delete(contents).where(contents.c.plan_id == _of)
_DROP_ITEM = delete(items).where(items.c.id == _of)
_DROP_SPEC = delete(item_specs).where(item_specs.c.item_id == _of)
_DROP_TIMER = delete(timers).where(timers.c.plan_id == _of, timers.c.kind == bindparam("which"))
_ADD_ENTRY = insert(log).inline()

_STATEMENTS: tuple[UpdateBase, ...] = (
    _ADD_PLAN, _SET_PLAN, _SET_PROGRESS, _SET_LOGGED, _DROP_CONTENT, _ADD_CONTENT, _DROP_STAGES, _ADD_STAGE, _ADD_VOTE,
    _DROP_ITEM, _ADD_ITEM, _SET_ITEM, _DROP_SPEC, _ADD_SPEC, _ADD_RUN, _SET_RUN, _ADD_VERSION,
    _DROP_TIMER, _ADD_TIMER, _ADD_REQUEST, ADD_EFFECT,
)  # fmt: skip
"""Everything but the log, in the order that references and unique keys ask for."""


class Saver:
    """Collects the rows of a batch of changes statement by statement, then executes each statement once."""

    def __init__(self, connection: Connection, sealing: Sealing, now: datetime) -> None:
        self._connection, self._sealing, self._now = connection, sealing, now
        self._rows: defaultdict[UpdateBase, list[Values]] = defaultdict(list)

    def save(self, changes: Sequence[Change]) -> None:
        """Save everything. Raises Conflict when a plan has another version than was loaded."""
        for change in changes:
            self._plan(change.before, change.after)
            self._items(change.before, change.after)
            self._beside(change)
        effects = [effect_values(effect, self._now) for change in changes for effect in change.effects]
        # One order for all transactions, so that they do not wait for each other's pending effects in a circle.
        effects.sort(key=itemgetter("plan_id", "destination"))
        self._rows[ADD_EFFECT] += effects
        for statement in _STATEMENTS:
            if rows := self._rows.get(statement):
                result = self._connection.execute(statement, rows)
                if statement in _SETTING and result.rowcount != len(rows):
                    raise Conflict
        if entries := [log_values(entry) for change in changes for entry in change.entries]:
            announce(self._connection)
            self._connection.execute(_ADD_ENTRY, entries)

    def _plan(self, before: Plan | None, after: Plan) -> None:
        if before is None:
            self._rows[_ADD_PLAN].append(birth_values(after) | planned_values(after) | progress_values(after))
        elif before is not after:
            here = {"of": after.id, "before": before.version}
            if after.revision != before.revision:
                self._rows[_SET_PLAN].append(here | progress_values(after) | planned_values(after))
            elif after.updated_at is not before.updated_at:
                self._rows[_SET_PROGRESS].append(here | progress_values(after))
            else:  # whatever changes a plan stamps it; this only has a longer log
                self._rows[_SET_LOGGED].append(here | logged_values(after))
        if (before and before.approval.stages) != after.approval.stages:
            self._rows[_DROP_STAGES].append({"of": after.id})
            self._rows[_ADD_STAGE] += [stage_values(after.id, i, s) for i, s in enumerate(after.approval.stages)]
        known = len(before.votes) if before and before.revision == after.revision else 0
        self._rows[_ADD_VOTE] += [vote_values(after, i, v) for i, v in enumerate(after.votes) if i >= known]
        if (content := after.content) and (before and before.content) != content:
            self._rows[_DROP_CONTENT].append({"of": after.id})
            sprints = to_json(content.jira_sprints)
            self._rows[_ADD_CONTENT].append(
                {"plan_id": after.id, "description": content.description, "jira_sprints": sprints}
            )

    def _items(self, before: Plan | None, after: Plan) -> None:
        known = before.items if before else {}
        self._rows[_DROP_ITEM] += [{"of": item_id} for item_id in known if item_id not in after.items]
        for item in after.items.values():
            old = known.get(item.id)
            if item is not old:
                self._item(after.id, old, item)
                self._run(after.id, old, item)
                self._spec(old, item)

    def _item(self, plan_id: str, old: Item | None, item: Item) -> None:
        values = item_values(plan_id, item)
        if old is None:
            self._rows[_ADD_ITEM].append(values)
        elif values != item_values(plan_id, old):
            here = {"of": values.pop("id")}
            del values["plan_id"]
            self._rows[_SET_ITEM].append(here | values)

    def _run(self, plan_id: str, old: Item | None, item: Item) -> None:
        run, previous = item.run, old.run if old else None
        if run is None or run == previous:
            return
        values = run_values(plan_id, item.id, run)
        if previous is None or previous.id != run.id:
            self._rows[_ADD_RUN].append(values)
        else:
            self._rows[_SET_RUN].append({"of": values.pop("id")} | values)

    def _spec(self, old: Item | None, item: Item) -> None:
        if item.spec is None or (old and old.spec == item.spec):
            return
        spec, sealed = item.spec, None
        if item.type == "workflow":
            masked, secrets = split_credentials(Workflow.model_validate(spec))
            if secrets:
                spec, sealed = masked.dump(), self._sealing.seal(secrets, item.id)
        if old:
            self._rows[_DROP_SPEC].append({"of": item.id})
        self._rows[_ADD_SPEC].append({"item_id": item.id, "spec": to_json(spec), "secrets": sealed})

    def _beside(self, change: Change) -> None:
        plan = change.after
        self._rows[_ADD_VERSION] += [_version_values(then, draft) for then, draft in change.drafts]
        for kind, due_at in change.timers.items():
            self._rows[_DROP_TIMER].append({"of": plan.id, "which": kind.value})
            if due_at:
                due = micros(due_at)
                row = {"plan_id": plan.id, "kind": kind.value, "due_at": due, "claim_at": due}
                self._rows[_ADD_TIMER].append(row)
        now = micros(self._now)
        self._rows[_ADD_REQUEST] += [
            {"key": key, "plan_id": request.plan_id, "at": now, "replayed": request.replayed}
            for key, request in change.requests.items()
        ]


def _version_values(plan: Plan, draft: PlanDraft) -> Values:
    return {
        "plan_id": plan.id,
        "revision": plan.revision,
        "at": micros(plan.updated_at),
        "by": plan.updated_by,
        "instance_code": plan.instance_code,
        "content": to_json(draft.mask_credentials().model_dump(mode="json")),
    }
