"""Decisions on the execution: items and their runs, timers, and the end of an execution by replanning or cancelling."""

from __future__ import annotations

from typing import assert_never

from core import commands as c
from core import events as e
from core.decide import flow
from core.decide.decision import PendingDecision
from core.decide.rights import schedule_barred
from core.errors import Invalid, ItemBlocked, ItemNotReady, OutsideWindow, Problem
from core.messages import Message
from core.plan import Item, Run
from core.status import ItemStatus, RunStatus
from core.timers import TimerKind, timers_of


def decide(pending: PendingDecision, command: c.Execute | c.Skip | c.Retry | c.ReportRun | c.RefuseRun) -> None:
    """Decide a command on an item."""
    plan = pending.plan
    match command:
        case c.ReportRun():
            _report(pending, command)
        case c.RefuseRun():
            _refuse_run(pending, command)
        case c.Execute() if plan.items[command.item_id].waits:
            item = _require_status(pending, command, ItemStatus.RUNNING)
            pending.add(e.RunResumed(item_id=item.id, comment=command.remark.strip()))
        case c.Execute():
            item = _require_status(pending, command, ItemStatus.TODO, ItemStatus.FAILED)
            if blocking := plan.blockers(item):
                raise ItemBlocked(item=item.name, needs=", ".join(other.name for other in blocking))
            if item.type == "text":
                pending.add(e.ItemDone(item_id=item.id, remark=command.remark.strip()))
            else:
                _request_run(pending, item, command.remark.strip())
        case c.Skip():
            item = _require_status(pending, command, ItemStatus.TODO, ItemStatus.FAILED)
            if not command.reason.strip():
                raise Invalid(Problem("reason", "say why the item is skipped"))
            pending.add(e.ItemSkipped(item_id=item.id, reason=command.reason.strip()))
        case c.Retry():
            _request_run(pending, _require_status(pending, command, ItemStatus.FAILED), "")
        case _:
            assert_never(command)
    flow.settle(pending)


def _require_status(pending: PendingDecision, command: c.Execute | c.Skip | c.Retry, *statuses: ItemStatus) -> Item:
    """Return the item of a command. Raises ItemNotReady for another status, OutsideWindow when the window is closed."""
    plan = pending.plan
    item = plan.items[command.item_id]
    if item.status not in statuses:
        raise ItemNotReady(item=item.name, status=item.status, verb=command.verb)
    if not plan.window.contains(pending.context.now):
        raise OutsideWindow(start=plan.window.start, end=plan.window.end)
    return item


def _request_run(pending: PendingDecision, item: Item, remark: str) -> None:
    """Request a new attempt. A retry has the id of the failed run; after a replan the item may be another workflow."""
    attempt = item.run.attempt + 1 if item.run else 1
    repeats = item.run.external_id if item.run and item.status is ItemStatus.FAILED else ""
    run = Run(pending.context.ids.new(), attempt, RunStatus.STARTING, repeats)
    pending.add(
        e.RunRequested(
            item_id=item.id, run=run, remark=remark,
            content_sha256=pending.plan.content_sha256, item_sha256=item.sha256,
        )
    )  # fmt: skip


def _report(pending: PendingDecision, command: c.ReportRun) -> None:
    """Accept a runner's report unless it is about another attempt, has no news, or contradicts a stored success."""
    item = pending.plan.items.get(command.item_id)
    if item is None or item.run is None or item.run.id != command.run_id:
        return
    run = item.run
    reported = (command.status, command.external_id or run.external_id, command.url or run.url, command.message)
    if reported == (run.status, run.external_id, run.url, run.message) or run.status is RunStatus.PASSED:
        return
    if item.status is ItemStatus.SKIPPED:
        return
    kind = e.RunEnded if command.status.ended else e.RunChanged
    pending.add(
        kind(
            item_id=item.id, run_id=run.id, status=command.status,
            external_id=command.external_id, url=command.url, message=command.message,
        )
    )  # fmt: skip


def _refuse_run(pending: PendingDecision, command: c.RefuseRun) -> None:
    """End an attempt that has not ended."""
    item = pending.plan.items.get(command.item_id)
    if item is None or item.run is None or item.run.id != command.run_id or item.run.status.ended:
        return
    pending.add(e.ContentMismatch(item_id=item.id, run_id=command.run_id, alarms=command.alarms))
    pending.add(
        e.RunEnded(
            item_id=item.id, run_id=command.run_id, status=RunStatus.FAILED,
            external_id=item.run.external_id, url=item.run.url, message=command.reason,
        )
    )  # fmt: skip


def withdraw(pending: PendingDecision, command: c.Replan | c.Cancel) -> None:
    """Return the plan to planning, or cancel it."""
    running = tuple(item.id for item in pending.plan.items.values() if item.status is ItemStatus.RUNNING)
    given = command.reason
    reason = given if isinstance(given, Message) else Message.verbatim(given.strip())
    if isinstance(command, c.Cancel):
        pending.add(e.Cancelled(reason=reason, cancelled=running))
        return
    ids = pending.context.ids
    pending.add(
        e.Replanned(
            reason=reason, cancelled=running, instance_code=ids.token(), nonce=ids.token(8),
            content_sha256=pending.plan.content_sha256,
        )
    )  # fmt: skip


def fire_timer(pending: PendingDecision, command: c.TimerFired) -> None:
    """Do what a due timer is for. A timer that the plan no longer has is stale and does nothing."""
    kind = TimerKind(command.kind)
    if timers_of(pending.plan).get(kind) != command.due_at:
        return
    match kind:
        case TimerKind.SCHEDULE:
            _start_scheduled(pending)
        case TimerKind.WINDOW_START:
            pending.add(e.WindowOpened())
        case TimerKind.WINDOW_END:
            flow.settle(pending)
        case TimerKind.APPROVAL_DEADLINE:
            pending.add(e.ApprovalExpired())
        case TimerKind.APPROVAL_REMINDER:
            pending.add(e.Reminded())
        case TimerKind.CHECK_DEADLINE:
            flow.expire_check(pending)
        case TimerKind.CHECK_REMINDER:
            flow.remind_of_check(pending)
        case _:
            assert_never(kind)


def _start_scheduled(pending: PendingDecision) -> None:
    """Start the workflow items that nothing blocks; text items and failed items need a person.

    Where the policies do not let the manager execute, nothing is started.
    """
    plan = pending.plan
    if barred := schedule_barred(plan, pending.context):
        pending.add(e.ScheduleStopped(reason=barred))
        return
    open_now = plan.window.contains(pending.context.now)
    todo = [item for item in plan.items.values() if open_now and _is_startable(item)]
    due = sorted((item for item in todo if not plan.blockers(item)), key=lambda item: item.position)
    pending.add(e.ScheduleFired(started=tuple(item.id for item in due)))
    for item in due:
        _request_run(pending, item, "")


def _is_startable(item: Item) -> bool:
    return item.type == "workflow" and item.status is ItemStatus.TODO
