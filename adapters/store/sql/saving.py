"""Saves plans in the database: only what differs, with one statement per table for a whole batch of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, insert, update

from adapters.store.sql.announcing import announce
from adapters.store.sql.linking import extend_chain
from adapters.store.sql.outbox import ADD_EFFECT, effect_values
from adapters.store.sql.prepared import Prepared
from adapters.store.sql.rows import (
    Values,
    immutable_values,
    item_values,
    log_position_values,
    log_values,
    micros,
    progress_values,
    revision_values,
    run_values,
    stage_values,
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
from core.encoding import encode_json
from core.errors import Conflict
from core.plan import Item, Plan, Vote
from core.ports.plans import Change
from core.workflow import Workflow, split_credentials

_of: BindParameter[str] = bindparam("of")
_this_version = (plans.c.id == _of, plans.c.version == bindparam("before"))


def _adding(*tables: Table) -> Iterator[Prepared]:
    """Yield the statement that adds rows to each table."""
    return (Prepared(insert(table).inline()) for table in tables)


_ADD_PLAN, _ADD_STAGE, _ADD_VOTE, _ADD_ITEM, _ADD_RUN = _adding(plans, stages, votes, items, runs)
_ADD_SPEC, _ADD_CONTENT, _ADD_VERSION, _ADD_TIMER, _ADD_REQUEST = _adding(item_specs, contents, versions, timers, inbox)
_ADD_EFFECT, _ADD_ENTRY = Prepared(ADD_EFFECT), *_adding(log)
_SET_PLAN, _SET_PROGRESS, _SET_LOG_POSITION = (Prepared(update(plans).where(*_this_version)) for _ in range(3))
_SETTING = frozenset({_SET_PLAN, _SET_PROGRESS, _SET_LOG_POSITION})
_SET_ITEM, _SET_RUN = (Prepared(update(table).where(table.c.id == _of)) for table in (items, runs))
_DROP_STAGES, _DROP_CONTENT = (Prepared(delete(table).where(table.c.plan_id == _of)) for table in (stages, contents))
_DROP_VOTES = Prepared(delete(votes).where(votes.c.plan_id == _of, votes.c.revision == bindparam("which")))
_DROP_ITEM = Prepared(delete(items).where(items.c.id == _of))
_DROP_SPEC = Prepared(delete(item_specs).where(item_specs.c.item_id == _of))
_DROP_TIMER = Prepared(delete(timers).where(timers.c.plan_id == _of, timers.c.kind == bindparam("which")))

_STATEMENTS: tuple[Prepared, ...] = (
    _ADD_PLAN, _SET_PLAN, _SET_PROGRESS, _SET_LOG_POSITION, _DROP_CONTENT, _ADD_CONTENT, _DROP_STAGES, _ADD_STAGE,
    _DROP_VOTES, _ADD_VOTE, _DROP_ITEM, _ADD_ITEM, _SET_ITEM, _DROP_SPEC, _ADD_SPEC, _ADD_RUN, _SET_RUN, _ADD_VERSION,
    _DROP_TIMER, _ADD_TIMER, _ADD_REQUEST, _ADD_EFFECT,
)  # fmt: skip
"""All statements but that of the log, in the order that references and unique keys require."""


class Saver:
    """Collects the rows of a batch of changes statement by statement, then executes each statement once."""

    def __init__(self, connection: Connection, sealing: Sealing, now: datetime) -> None:
        self._connection, self._sealing, self._now = connection, sealing, now
        self._rows: defaultdict[Prepared, list[Values]] = defaultdict(list)

    def save(self, changes: Sequence[Change], link_key: bytes) -> None:
        """Save everything; `link_key` links the log entries.

        Raises Conflict when a plan has another version than was loaded.
        """
        for change in changes:
            self._collect_plan(change.before, change.after)
            self._collect_items(change.before, change.after)
            self._collect_history(change)
        effects = [effect_values(effect, self._now) for change in changes for effect in change.effects]
        # One order for all transactions, so that they cannot deadlock on pending effects.
        effects.sort(key=itemgetter("plan_id", "destination"))
        self._rows[_ADD_EFFECT] += effects
        for statement in _STATEMENTS:
            if rows := self._rows.get(statement):
                changed = statement.execute(self._connection, rows)
                if statement in _SETTING and changed != len(rows):
                    raise Conflict
        if entries := [entry for change in changes for entry in change.entries]:
            announce(self._connection)
            linked = extend_chain(self._connection, entries, link_key)
            _ADD_ENTRY.execute(self._connection, list(map(log_values, linked)))

    def _collect_plan(self, before: Plan | None, after: Plan) -> None:
        if before is None:
            self._rows[_ADD_PLAN].append(immutable_values(after) | revision_values(after) | progress_values(after))
        elif before is not after:
            here = {"of": after.id, "before": before.version}
            if _is_new_content(before, after):
                self._rows[_SET_PLAN].append(here | progress_values(after) | revision_values(after))
            elif after.updated_at is not before.updated_at:
                self._rows[_SET_PROGRESS].append(here | progress_values(after))
            else:  # every change of a plan stamps it, so only its log has grown
                self._rows[_SET_LOG_POSITION].append(here | log_position_values(after))
        if (before and before.approval.stages) != after.approval.stages:
            self._rows[_DROP_STAGES].append({"of": after.id})
            self._rows[_ADD_STAGE] += [stage_values(after.id, i, s) for i, s in enumerate(after.approval.stages)]
        self._collect_votes(before.votes if before and before.revision == after.revision else (), after)
        if (content := after.content) and (before and before.content) != content:
            self._rows[_DROP_CONTENT].append({"of": after.id})
            sprints = encode_json(content.jira_sprints)
            self._rows[_ADD_CONTENT].append(
                {"plan_id": after.id, "description": content.description, "jira_sprints": sprints}
            )

    def _collect_votes(self, known: tuple[Vote, ...], after: Plan) -> None:
        """Add the votes of a revision that are not known; drop the known ones first when some of them are void now."""
        if after.votes[: len(known)] != known:
            self._rows[_DROP_VOTES].append({"of": after.id, "which": after.revision})
            known = ()
        self._rows[_ADD_VOTE] += [vote_values(after, i, v) for i, v in enumerate(after.votes) if i >= len(known)]

    def _collect_items(self, before: Plan | None, after: Plan) -> None:
        known = before.items if before else {}
        self._rows[_DROP_ITEM] += [{"of": item_id} for item_id in known if item_id not in after.items]
        for item in after.items.values():
            old = known.get(item.id)
            if item is not old:
                self._collect_item(after.id, old, item)
                self._collect_run(after.id, old, item)
                self._collect_spec(old, item)

    def _collect_item(self, plan_id: str, old: Item | None, item: Item) -> None:
        values = item_values(plan_id, item)
        if old is None:
            self._rows[_ADD_ITEM].append(values)
        elif values != item_values(plan_id, old):
            here = {"of": values.pop("id")}
            del values["plan_id"]
            self._rows[_SET_ITEM].append(here | values)

    def _collect_run(self, plan_id: str, old: Item | None, item: Item) -> None:
        run, previous = item.run, old.run if old else None
        if run is None or run == previous:
            return
        values = run_values(plan_id, item.id, run)
        if previous is None or previous.id != run.id:
            self._rows[_ADD_RUN].append(values)
        else:
            self._rows[_SET_RUN].append({"of": values.pop("id")} | values)

    def _collect_spec(self, old: Item | None, item: Item) -> None:
        if item.spec is None or (old and old.spec == item.spec):
            return
        row: Values = {"item_id": item.id, "spec": encode_json(item.spec), "given": None, "secrets": None}
        if item.type == "workflow":
            masked, secrets = split_credentials(Workflow.model_validate(item.spec))
            sealed = self._sealing.seal(secrets, item.id) if secrets else None
            row |= {"spec": encode_json(masked.dump()), "given": encode_json(masked.dump_given()), "secrets": sealed}
        if old:
            self._rows[_DROP_SPEC].append({"of": item.id})
        self._rows[_ADD_SPEC].append(row)

    def _collect_history(self, change: Change) -> None:
        """Collect the rows of versions, timers and accepted requests."""
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


def _is_new_content(before: Plan, after: Plan) -> bool:
    """Return whether one of the columns of the revision may differ."""
    known = (before.revision, before.content_sha256)
    return (after.revision, after.content_sha256) != known or after.controls is not before.controls


def _version_values(plan: Plan, draft: PlanDraft) -> Values:
    return {
        "plan_id": plan.id,
        "revision": plan.revision,
        "at": micros(plan.updated_at),
        "by": plan.updated_by,
        "instance_code": plan.instance_code,
        "content": encode_json(draft.mask_credentials().model_dump(mode="json")),
    }
