"""How each event changes a plan. `apply` never rejects an event: `core.decide` has rejected the command before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, assert_never

from core import events as e
from core.draft import PlanDraft
from core.event import Stamp
from core.messages import NO_MESSAGE
from core.plan import Approval, Content, Controls, Item, Plan, Stage, Tally, Vote, Window
from core.replacing import replace
from core.status import FAILED_CHECK, REOPENABLE, WAITING_CHECK, HookEvent, ItemStatus, PlanStatus, RunStatus


def create(plan_id: str, event: e.Created, stamp: Stamp) -> Plan:
    """Return the plan that a `Created` event starts."""
    blank = Plan(
        id=plan_id, number=0, name="", status=PlanStatus.PLANNING, manager=event.draft.manager,
        created_by=stamp.actor, created_at=stamp.at, updated_by=stamp.actor, updated_at=stamp.at,
        origin=event.origin, lineage=event.lineage, instance_code=event.instance_code, nonce=event.nonce,
        editors=(stamp.actor,),
    )  # fmt: skip
    return replace(_apply_draft(blank, event.draft, event.items), content_sha256=event.content_sha256)


def apply(plan: Plan, event: e.AnyEvent, stamp: Stamp) -> Plan:
    """Return the plan after the event."""
    applied = _apply(plan, event, stamp)
    return applied if applied is plan else replace(applied, updated_by=stamp.actor, updated_at=stamp.at)


def _apply(plan: Plan, event: e.AnyEvent, stamp: Stamp) -> Plan:  # noqa: C901 - one flat line of cases
    match event:
        case e.Edited():
            editors = (*(person for person in plan.editors if person != stamp.actor), stamp.actor)
            plan = replace(plan, revision=plan.revision + 1, instance_code=event.instance_code, nonce=event.nonce)
            plan = replace(plan, editors=editors)
            return replace(_apply_draft(plan, event.draft, event.items), content_sha256=event.content_sha256)
        case e.Finished():
            finished = replace(_apply_digests(plan, event), status=PlanStatus.FINISH_PLANNING, planning_at=stamp.at)
            return finished if event.controls is None else _apply_controls(finished, event.stages, event.controls)
        case e.PoliciesApplied():
            return _apply_controls(plan, event.stages, event.controls)
        case e.SubmitDeferred():
            return replace(plan, submitting=True)
        case (
            e.CheckRepeated()
            | e.HookDelivered()
            | e.HookUndeliverable()
            | e.EndpointDisabled()
            | e.CardsRefused()
            | e.FormVoterRefused()
            | e.Replayed()
            | e.Refused()
            | e.ContentMismatch()
        ):
            return plan
        case e.Deleted():
            return replace(plan, deleted=True)
        case e.Succeeded():
            return replace(plan, status=PlanStatus.SUCCESS, success_at=stamp.at)
        case e.TimedOut() | e.ApprovalExpired():
            return replace(plan, status=PlanStatus.TIMEOUT, next_schedule=None)
        case e.Replanned() | e.Cancelled():
            return _withdraw(plan, event)
        case (
            e.Submitted()
            | e.Voted()
            | e.Delegated()
            | e.StagePassed()
            | e.Approved()
            | e.Denied()
            | e.Reminded()
            | e.FormLinked()
            | e.FormReverted()
        ):
            return _apply_approval(plan, event, stamp)
        case e.CheckStarted() | e.CheckProgressed() | e.CheckReminded() | e.CheckPassed() | e.CheckFailed():
            return _apply_check(plan, event)
        case _:
            return _apply_execution(plan, event, stamp)


def _apply_draft(plan: Plan, draft: PlanDraft, items: tuple[Item, ...]) -> Plan:
    approval = draft.approval
    return replace(
        plan,
        name=draft.name,
        manager=draft.manager or plan.manager,
        collaborators=draft.collaborators,
        labels=draft.labels,
        window=Window(draft.window.start, draft.window.end),
        schedule_at=draft.schedule_at,
        check_events=draft.checks,
        content=Content(draft.description, draft.jira_sprints),
        approval=Approval(
            tuple(Stage(s.name, s.approvers, s.rule, s.channel) for s in approval.stages),
            approval.allow_self_approval, approval.expires_in, approval.remind_every,
        ),
        votes=(),
        items=MappingProxyType({item.id: item for item in items}),
        tally=_count(items),
    )  # fmt: skip


def _apply_digests(plan: Plan, event: e.Finished) -> Plan:
    """Store the digests of a finished plan, as far as they are not stored: an earlier version made none."""
    new = {
        item_id: replace(plan.items[item_id], sha256=digest)
        for item_id, digest in event.item_digests
        if plan.items[item_id].sha256 != digest
    }
    items = MappingProxyType({**plan.items, **new}) if new else plan.items
    return replace(plan, content_sha256=event.content_sha256, items=items)


def _apply_controls(plan: Plan, stages: tuple[Stage, ...], controls: Controls) -> Plan:
    return replace(plan, controls=controls, approval=replace(plan.approval, stages=stages))


def _count(items: Iterable[Item]) -> Tally:
    statuses = [item.status for item in items]
    return Tally(**{status.value: statuses.count(status) for status in ItemStatus})


def _apply_approval(
    plan: Plan,
    event: e.Submitted
    | e.Voted
    | e.Delegated
    | e.StagePassed
    | e.Approved
    | e.Denied
    | e.Reminded
    | e.FormLinked
    | e.FormReverted,
    stamp: Stamp,
) -> Plan:
    approval = plan.approval
    match event:
        case e.Submitted():
            requested = replace(approval, current=0, asked_at=stamp.at, reminders=0)
            return replace(plan, status=PlanStatus.WAIT_FOR_APPROVAL, submitting=False, approval=requested)
        case e.Voted():
            vote = Vote(event.stage, event.person, event.decision, event.comment, stamp.at, event.delegate)
            return replace(plan, votes=(*plan.votes, vote))
        case e.Delegated():
            delegates = MappingProxyType({**approval.delegates, event.person: event.to})
            return replace(plan, approval=replace(approval, delegates=delegates))
        case e.StagePassed():
            return replace(plan, approval=replace(approval, current=event.stage + 1, asked_at=stamp.at, reminders=0))
        case e.Approved():
            return replace(plan, approval_at=stamp.at)
        case e.Denied():
            return replace(plan, status=PlanStatus.DENIED, reason=event.reason)
        case e.Reminded():
            return replace(plan, approval=replace(approval, reminders=approval.reminders + 1))
        case e.FormLinked():
            stages = tuple(
                replace(s, form=event.form) if i == event.stage else s for i, s in enumerate(approval.stages)
            )
            return replace(plan, approval=replace(approval, stages=stages))
        case e.FormReverted():
            return _revert_form(plan, event, stamp)
        case _:
            assert_never(event)


def _revert_form(plan: Plan, event: e.FormReverted, stamp: Stamp) -> Plan:
    """Open a stage again whose form was revoked, and those after it; or only void its form when it is too late."""
    approval = plan.approval
    reopens = plan.status in REOPENABLE
    void = range(event.stage, len(approval.stages) if reopens else event.stage + 1)
    stages = tuple(stage.without_form() if i in void else stage for i, stage in enumerate(approval.stages))
    if not reopens:
        return replace(plan, approval=replace(approval, stages=stages))
    return replace(
        plan,
        status=PlanStatus.WAIT_FOR_APPROVAL,
        check=None,
        reason=NO_MESSAGE,
        approval_at=None,
        votes=tuple(vote for vote in plan.votes if vote.stage < event.stage),
        approval=replace(approval, stages=stages, current=event.stage, asked_at=stamp.at, reminders=0),
    )


def _apply_check(
    plan: Plan, event: e.CheckStarted | e.CheckProgressed | e.CheckReminded | e.CheckPassed | e.CheckFailed
) -> Plan:
    match event:
        case e.CheckStarted():
            open_answers = {k: v for k, v in plan.answers.items() if k != event.check.event}
            status = WAITING_CHECK[event.check.event]
            return replace(
                plan, status=status, check=event.check, answers=MappingProxyType(open_answers), reason=NO_MESSAGE
            )
        case e.CheckProgressed():
            return replace(plan, check=replace(plan.check, progress=event.progress) if plan.check else None)
        case e.CheckReminded():
            return replace(plan, check=replace(plan.check, reminders=plan.check.reminders + 1) if plan.check else None)
        case e.CheckPassed():
            finished = event.event is HookEvent.FINISH_PLANNING
            status = PlanStatus.FINISH_PLANNING if finished else plan.status
            return replace(plan, status=status, check=None, answers=_record_answer(plan, event, "success"))
        case e.CheckFailed():
            check = replace(plan.check, reason=event.reason) if plan.check else None
            failed = _record_answer(plan, event, "failed")
            return replace(plan, status=FAILED_CHECK[event.event], check=check, answers=failed, reason=event.reason)
        case _:
            assert_never(event)


def _record_answer(plan: Plan, event: e.CheckPassed | e.CheckFailed, result: str) -> Mapping[Any, str]:
    return MappingProxyType({**plan.answers, event.event: result})


def _withdraw(plan: Plan, event: e.Replanned | e.Cancelled) -> Plan:
    """Cancel the plan, or return it to planning, and end its runs. After a replan only done items stay as they are."""
    replanned = isinstance(event, e.Replanned)
    items = {item.id: _stop_item(item, replanned=replanned) for item in plan.items.values()}
    plan = replace(
        plan,
        status=PlanStatus.CANCEL,
        reason=event.reason,
        check=None,
        submitting=False,
        next_schedule=None,
        window_open=False,
        items=MappingProxyType(items),
        tally=_count(items.values()),
    )
    if not isinstance(event, e.Replanned):
        return plan
    stages = tuple(replace(stage, form="", void_forms=0) for stage in plan.approval.stages if not stage.policy)
    return replace(
        plan,
        status=PlanStatus.PLANNING,
        revision=plan.revision + 1,
        instance_code=event.instance_code,
        nonce=event.nonce,
        approval=replace(
            plan.approval, stages=stages, current=0, asked_at=None, reminders=0, delegates=MappingProxyType({})
        ),
        votes=(),
        controls=None,
        answers=MappingProxyType({}),
        planning_at=None, approval_at=None, executing_at=None, success_at=None,
    )  # fmt: skip


def _stop_item(item: Item, *, replanned: bool) -> Item:
    run = replace(item.run, status=RunStatus.CANCELLED) if item.run and not item.run.status.ended else item.run
    if replanned and item.status not in (ItemStatus.DONE, ItemStatus.TODO):
        return replace(item, status=ItemStatus.TODO, run=run)
    if item.status is ItemStatus.RUNNING:
        return replace(item, status=ItemStatus.FAILED, run=run)
    return item


def _apply_execution(
    plan: Plan,
    event: e.ExecutionStarted
    | e.WindowOpened
    | e.ItemDone
    | e.ItemSkipped
    | e.RunRequested
    | e.RunChanged
    | e.RunEnded
    | e.RunResumed
    | e.ScheduleFired
    | e.ScheduleStopped,
    stamp: Stamp,
) -> Plan:
    match event:
        case e.ExecutionStarted():
            opened = plan.window.start is None or plan.window.start <= stamp.at
            return replace(
                plan,
                status=PlanStatus.EXECUTING,
                executing_at=stamp.at,
                next_schedule=plan.schedule_at,
                window_open=opened,
                reason=NO_MESSAGE,
            )
        case e.WindowOpened():
            return replace(plan, window_open=True)
        case e.ScheduleFired() | e.ScheduleStopped():
            return replace(plan, next_schedule=None)
        case e.ItemDone():
            item = replace(plan.items[event.item_id], status=ItemStatus.DONE, remark=event.remark)
            return _complete_item(plan, replace(item, executed_by=stamp.actor, executed_at=stamp.at), stamp)
        case e.ItemSkipped():
            item = replace(plan.items[event.item_id], status=ItemStatus.SKIPPED, remark=event.reason)
            return _complete_item(plan, replace(item, executed_by=stamp.actor, executed_at=stamp.at), stamp)
        case e.RunRequested():
            item = plan.items[event.item_id]
            item = replace(item, status=ItemStatus.RUNNING, run=event.run, remark=event.remark or item.remark)
            return _replace_item(plan, replace(item, executed_by=stamp.actor, executed_at=stamp.at))
        case e.RunChanged() | e.RunEnded():
            return _apply_report(plan, event, stamp)
        case e.RunResumed():
            item = plan.items[event.item_id]
            run = replace(item.run, status=RunStatus.RUNNING, message=NO_MESSAGE) if item.run else None
            return _replace_item(plan, replace(item, run=run))
        case _:
            assert_never(event)


def _apply_report(plan: Plan, event: e.RunChanged | e.RunEnded, stamp: Stamp) -> Plan:
    """Store a runner's report in the run.

    The item's status follows only while the plan is executing. A run from before a replan does not move an item that is
    to do again: it may run what has been changed since.
    """
    item = _update_run(plan.items[event.item_id], event, stamp)
    if plan.status is not PlanStatus.EXECUTING or item.status is ItemStatus.TODO:
        return _replace_item(plan, item)
    if event.status is RunStatus.PASSED:
        return _complete_item(plan, replace(item, status=ItemStatus.DONE), stamp)
    return _replace_item(plan, replace(item, status=ItemStatus.FAILED if event.status.ended else ItemStatus.RUNNING))


def _update_run(item: Item, event: e.RunChanged | e.RunEnded, stamp: Stamp) -> Item:
    if item.run is None:
        return item
    run = replace(
        item.run,
        status=event.status,
        external_id=event.external_id or item.run.external_id,
        url=event.url or item.run.url,
        message=event.message,
        started_at=item.run.started_at or stamp.at,
        ended_at=stamp.at if event.status.ended else None,
    )
    return replace(item, run=run)


def _replace_item(plan: Plan, item: Item) -> Plan:
    before = plan.items[item.id].status
    tally = plan.tally
    if before is not item.status:
        tally = replace(
            tally, **{before.value: getattr(tally, before) - 1, item.status.value: getattr(tally, item.status) + 1}
        )
    return replace(plan, items=MappingProxyType({**plan.items, item.id: item}), tally=tally)


def _complete_item(plan: Plan, item: Item, stamp: Stamp) -> Plan:
    """Store a completed item. A plan with a schedule looks at once for items that can start now."""
    scheduled = plan.schedule_at is not None and plan.schedule_at <= stamp.at
    return replace(_replace_item(plan, item), next_schedule=stamp.at if scheduled else plan.next_schedule)
