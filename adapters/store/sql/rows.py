"""Conversions between the rows of the tables and the values of the core."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any, TypeAlias, overload

import orjson
from sqlalchemy import CursorResult

from adapters.store.sql.controls import controls_json, controls_of
from core.audit import LogEntry
from core.encoding import encode_json
from core.messages import Message
from core.plan import Approval, Channel, Check, Content, Decision, Item, Plan, Run, Stage, Tally, Vote, Window
from core.replacing import replace
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.text import EARLIEST, END, LONGEST, SHORTEST

Values = dict[str, Any]
AnyRow: TypeAlias = Any
"""A row with its columns as attributes: a `Row` of SQLAlchemy, or what `fetch` makes of it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def micros(value: datetime | timedelta) -> int: ...
@overload
def micros(value: datetime | timedelta | None) -> int | None: ...
def micros(value: datetime | timedelta | None) -> int | None:
    """Return a time as microseconds since 1970, a duration as microseconds."""
    if value is None:
        return None
    return (value - _EPOCH if isinstance(value, datetime) else value) // _MICROSECOND


@overload
def moment(value: int) -> datetime: ...
@overload
def moment(value: int | None) -> datetime | None: ...
def moment(value: int | None) -> datetime | None:
    """Return the time of microseconds since 1970, or the nearest one within the bounds of times.

    Earlier versions stored times that no time zone can show, or that `datetime` cannot hold.
    """
    if value is None:
        return None
    seconds, rest = divmod(max(_EARLIEST, min(value, _LATEST)), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def duration(value: int | None) -> timedelta | None:
    """Return the duration of microseconds, or the nearest one within the bounds of durations."""
    return None if value is None else timedelta(microseconds=max(_SHORTEST, min(value, _LONGEST)))


_EARLIEST, _LATEST = micros(EARLIEST), micros(END) - 1
_SHORTEST, _LONGEST = micros(SHORTEST), micros(LONGEST)


def fetch(result: CursorResult[Any]) -> list[AnyRow]:
    """Return all rows with plain attributes: a `Row` looks up every name, which takes ten times longer."""
    names = result.keys()
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in result.all()]


def revision_values(plan: Plan) -> Values:
    """Return the columns of a plan that change with its revision."""
    events = plan.check_events
    return {
        "name": plan.name,
        "manager": plan.manager,
        "collaborators": encode_json(plan.collaborators),
        "editors": encode_json(plan.editors),
        "labels": encode_json(plan.labels),
        "revision": plan.revision,
        "instance_code": plan.instance_code,
        "nonce": plan.nonce,
        "window_start": micros(plan.window.start),
        "window_end": micros(plan.window.end),
        "schedule_at": micros(plan.schedule_at),
        "check_events": None if events is None else encode_json(sorted(events)),
        "allow_self_approval": plan.approval.allow_self_approval,
        "expires_in": micros(plan.approval.expires_in),
        "remind_every": micros(plan.approval.remind_every),
        "controls": controls_json(plan.controls),
        "content_sha256": plan.content_sha256 or None,
    }


def progress_values(plan: Plan) -> Values:
    """Return the columns of a plan that change as it proceeds."""
    approval, tally = plan.approval, plan.tally
    return {
        "status": plan.status.value,
        "updated_by": plan.updated_by,
        "updated_at": micros(plan.updated_at),
        "next_schedule": micros(plan.next_schedule),
        "stage": approval.current,
        "asked_at": micros(approval.asked_at),
        "reminders": approval.reminders,
        "delegates": encode_json(approval.delegates),
        "todo": tally.todo,
        "running": tally.running,
        "done": tally.done,
        "skipped": tally.skipped,
        "failed": tally.failed,
        "external_check": _check_json(plan.check),
        "answers": encode_json(plan.answers),
        "submitting": plan.submitting,
        "window_open": plan.window_open,
        "reason": plan.reason.to_column(),
        "planning_at": micros(plan.planning_at),
        "approval_at": micros(plan.approval_at),
        "executing_at": micros(plan.executing_at),
        "success_at": micros(plan.success_at),
        "deleted": plan.deleted,
        **log_position_values(plan),
    }


def log_position_values(plan: Plan) -> Values:
    """Return the columns of a plan that change with its operation log."""
    return {"version": plan.version, "log_seq": plan.log_seq, "log_head": plan.log_head}


def immutable_values(plan: Plan) -> Values:
    """Return the columns of a plan that never change."""
    return {
        "id": plan.id,
        "number": plan.number,
        "created_by": plan.created_by,
        "created_at": micros(plan.created_at),
        "origin": encode_json(plan.origin) if plan.origin else None,
        "lineage": plan.lineage or None,
    }


_BLANK = Plan(
    id="", number=0, name="", status=PlanStatus.PLANNING, manager="", created_by="", created_at=EARLIEST,
    updated_by="", updated_at=EARLIEST,
)  # fmt: skip
"""The plan of which plans are made by a change of all fields: that is quicker than to call `__init__`."""


def plan_of(
    row: AnyRow,
    stages: tuple[Stage, ...] = (),
    votes: tuple[Vote, ...] = (),
    items: Mapping[str, Item] = MappingProxyType({}),
    content: Content | None = None,
) -> Plan:
    """Return the plan of a row, with what was loaded beside it."""
    return replace(
        _BLANK,
        id=row.id,
        number=row.number,
        name=row.name,
        status=PlanStatus(row.status),
        manager=row.manager,
        created_by=row.created_by,
        created_at=moment(row.created_at),
        updated_by=row.updated_by,
        updated_at=moment(row.updated_at),
        origin=tuple(orjson.loads(row.origin)) if row.origin else (),
        lineage=row.lineage or "",
        revision=row.revision,
        instance_code=row.instance_code,
        nonce=row.nonce,
        window=Window(moment(row.window_start), moment(row.window_end)),
        schedule_at=moment(row.schedule_at),
        next_schedule=moment(row.next_schedule),
        approval=_approval_of(row, stages),
        votes=votes,
        items=items,
        tally=Tally(row.todo, row.running, row.done, row.skipped, row.failed),
        collaborators=tuple(orjson.loads(row.collaborators)),
        editors=_texts(row.editors),
        labels=_texts(row.labels),
        controls=controls_of(row.controls) if row.controls else None,
        check_events=None if row.check_events is None else frozenset(map(HookEvent, orjson.loads(row.check_events))),
        check=_check_of(row.external_check),
        answers=MappingProxyType({HookEvent(event): result for event, result in orjson.loads(row.answers).items()}),
        submitting=row.submitting,
        window_open=row.window_open,
        reason=Message.from_column(row.reason),
        planning_at=moment(row.planning_at),
        approval_at=moment(row.approval_at),
        executing_at=moment(row.executing_at),
        success_at=moment(row.success_at),
        content=content,
        content_sha256=row.content_sha256 or "",
        version=row.version,
        log_seq=row.log_seq,
        log_head=row.log_head,
        deleted=row.deleted,
    )


def _approval_of(row: AnyRow, stages: tuple[Stage, ...]) -> Approval:
    return Approval(
        stages=stages,
        allow_self_approval=row.allow_self_approval,
        expires_in=duration(row.expires_in),
        remind_every=duration(row.remind_every),
        current=row.stage,
        asked_at=moment(row.asked_at),
        reminders=row.reminders,
        delegates=MappingProxyType(orjson.loads(row.delegates)),
    )


def _texts(column: str | None) -> tuple[str, ...]:
    """Return the texts of a column, which rows of earlier versions leave empty."""
    return tuple(orjson.loads(column)) if column else ()


def _check_json(check: Check | None) -> str | None:
    if check is None:
        return None
    moments = micros(check.since), micros(check.deadline)
    return encode_json([check.event, *moments, check.progress, check.reason.to_json(), check.reminders])


def _check_of(text: str | None) -> Check | None:
    if text is None:
        return None
    event, since, deadline, progress, reason, *rest = orjson.loads(text)
    return Check(HookEvent(event), moment(since), moment(deadline), progress, Message.from_json(reason), *rest)


def content_of(row: AnyRow) -> Content:
    """Return the descriptive part of a plan of a row."""
    return Content(row.description, tuple(json.loads(row.jira_sprints)))


def stage_values(plan_id: str, position: int, stage: Stage) -> Values:
    """Return the row of a stage of the approval."""
    return {
        "plan_id": plan_id,
        "position": position,
        "name": stage.name,
        "approvers": encode_json(stage.approvers),
        "rule": str(stage.rule),
        "channel": stage.channel.value,
        "form": stage.form,
        "policy": stage.policy,
        "reason": stage.reason,
        "void_forms": stage.void_forms,
    }


def stage_of(row: AnyRow) -> Stage:
    """Return the stage of a row."""
    rule = row.rule if row.rule in ("all", "any") else int(row.rule)
    channel, approvers = Channel(row.channel), tuple(orjson.loads(row.approvers))
    return Stage(row.name, approvers, rule, channel, row.form, row.policy or "", row.reason or "", row.void_forms)


def vote_values(plan: Plan, position: int, vote: Vote) -> Values:
    """Return the row of a vote on the present revision of a plan."""
    return {
        "plan_id": plan.id,
        "revision": plan.revision,
        "stage": vote.stage,
        "person": vote.person,
        "position": position,
        "decision": vote.decision.value,
        "comment": vote.comment,
        "at": micros(vote.at),
        "delegate": vote.delegate,
    }


def vote_of(row: AnyRow) -> Vote:
    """Return the vote of a row."""
    return Vote(row.stage, row.person, Decision(row.decision), row.comment, moment(row.at), row.delegate)


def item_values(plan_id: str, item: Item) -> Values:
    """Return the row of an item, without its spec."""
    run = item.run
    return {
        "id": item.id,
        "plan_id": plan_id,
        "key": item.key,
        "position": item.position,
        "name": item.name,
        "type": item.type,
        "status": item.status.value,
        "assignee": item.assignee,
        "needs": encode_json(item.needs),
        "labels": encode_json(item.labels) if item.labels else None,
        "runner": item.runner,
        "project": item.project,
        "workflow": item.workflow,
        "sha256": item.sha256 or None,
        "executed_by": item.executed_by,
        "executed_at": micros(item.executed_at),
        "remark": item.remark,
        "run_id": run and run.id,
        "run_attempt": run and run.attempt,
        "run_status": run and run.status.value,
        "run_external_id": run and run.external_id,
        "run_url": run and run.url,
        "run_message": run and run.message.to_column(),
        "run_started_at": run and micros(run.started_at),
        "run_ended_at": run and micros(run.ended_at),
    }


def item_of(row: AnyRow, spec: Mapping[str, Any] | None = None) -> Item:
    """Return the item of a row."""
    return Item(
        id=row.id,
        key=row.key,
        position=row.position,
        name=row.name,
        type=row.type,
        status=ItemStatus(row.status),
        assignee=row.assignee,
        needs=tuple(orjson.loads(row.needs)),
        labels=_texts(row.labels),
        runner=row.runner,
        project=row.project,
        workflow=row.workflow,
        executed_by=row.executed_by,
        executed_at=moment(row.executed_at),
        remark=row.remark,
        run=_run_of(row),
        spec=spec,
        sha256=row.sha256 or "",
    )


def _run_of(row: AnyRow) -> Run | None:
    if row.run_id is None:
        return None
    return Run(
        id=row.run_id,
        attempt=row.run_attempt,
        status=RunStatus(row.run_status),
        external_id=row.run_external_id,
        url=row.run_url,
        message=Message.from_column(row.run_message),
        started_at=moment(row.run_started_at),
        ended_at=moment(row.run_ended_at),
    )


def run_values(plan_id: str, item_id: str, run: Run) -> Values:
    """Return the row of an attempt in the history of an item."""
    return {
        "id": run.id,
        "plan_id": plan_id,
        "item_id": item_id,
        "attempt": run.attempt,
        "status": run.status.value,
        "external_id": run.external_id,
        "url": run.url,
        "message": run.message.to_column(),
        "started_at": micros(run.started_at),
        "ended_at": micros(run.ended_at),
    }


def log_values(entry: LogEntry) -> Values:
    """Return the row of a log entry; its id is given by the database."""
    return {
        "plan_id": entry.plan_id,
        "seq": entry.seq,
        "at": micros(entry.at),
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "via": entry.via,
        "event": entry.event,
        "details": encode_json(entry.details),
        "hash": entry.hash,
        "link_seq": entry.link_seq or None,
        "link": entry.link or None,
    }


def log_of(row: AnyRow) -> LogEntry:
    """Return the log entry of a row."""
    return LogEntry(
        plan_id=row.plan_id,
        seq=row.seq,
        at=moment(row.at),
        actor=row.actor,
        actor_kind=row.actor_kind,
        via=row.via,
        event=row.event,
        details=json.loads(row.details),
        hash=row.hash,
        id=row.id,
        link_seq=row.link_seq or 0,
        link=row.link or "",
    )
