"""Execution: items and their runs, the schedule, the window, and taking a plan back."""

from __future__ import annotations

from typing import assert_never

from core import commands as c
from core import events as e
from core.decide import flow
from core.decide.decision import PendingDecision
from core.errors import Invalid, ItemBlocked, ItemNotReady, OutsideWindow, Problem
from core.plan import Item, Run
from core.status import ItemStatus, RunStatus
from core.timers import TimerKind, timers_of


def decide(pending: PendingDecision, command: c.Execute | c.Skip | c.Retry | c.ReportRun) -> None:
    """Decide the commands of this chapter."""
    plan = pending.plan
    match command:
        case c.ReportRun():
            _report(pending, command)
        case c.Execute() if plan.items[command.item_id].waits:
            item = _ready(pending, command, ItemStatus.RUNNING)
            pending.add(e.RunResumed(item_id=item.id, comment=command.remark.strip()))
        case c.Execute():
            item = _ready(pending, command, ItemStatus.TODO, ItemStatus.FAILED)
            if blocking := plan.blockers(item):
                raise ItemBlocked(item=item.name, needs=", ".join(other.name for other in blocking))
            if item.type == "text":
                pending.add(e.ItemDone(item_id=item.id, remark=command.remark.strip()))
            else:
                _start(pending, item, command.remark.strip())
        case c.Skip():
            item = _ready(pending, command, ItemStatus.TODO, ItemStatus.FAILED)
            if not command.reason.strip():
                raise Invalid(Problem("reason", "say why the item is skipped"))
            pending.add(e.ItemSkipped(item_id=item.id, reason=command.reason.strip()))
        case c.Retry():
            _start(pending, _ready(pending, command, ItemStatus.FAILED), "")
        case _:
            assert_never(command)
    flow.settle(pending)


def _ready(pending: PendingDecision, command: c.Execute | c.Skip | c.Retry, *statuses: ItemStatus) -> Item:
    plan = pending.plan
    item = plan.items[command.item_id]
    if item.status not in statuses:
        raise ItemNotReady(item=item.name, status=item.status, verb=command.verb)
    if not plan.window.contains(pending.context.now):
        raise OutsideWindow(start=plan.window.start, end=plan.window.end)
    return item


def _start(pending: PendingDecision, item: Item, remark: str) -> None:
    """Ask for a new attempt. A retry knows what it repeats; after a replan the item may mean something else."""
    attempt = item.run.attempt + 1 if item.run else 1
    repeats = item.run.external_id if item.run and item.status is ItemStatus.FAILED else ""
    run = Run(pending.context.ids.new(), attempt, RunStatus.STARTING, repeats)
    pending.add(e.RunRequested(item_id=item.id, run=run, remark=remark))


def _report(pending: PendingDecision, command: c.ReportRun) -> None:
    """Take a runner's report, unless it is about another attempt, says nothing new, or contradicts a known end."""
    item = pending.plan.items.get(command.item_id)
    if item is None or item.run is None or item.run.id != command.run_id:
        return
    run = item.run
    told = (command.status, command.external_id or run.external_id, command.url or run.url, command.message)
    if told == (run.status, run.external_id, run.url, run.message) or run.status is RunStatus.PASSED:
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


def withdraw(pending: PendingDecision, command: c.Replan | c.Cancel) -> None:
    """Take the plan back to planning, or give it up."""
    running = tuple(item.id for item in pending.plan.items.values() if item.status is ItemStatus.RUNNING)
    if isinstance(command, c.Cancel):
        pending.add(e.Cancelled(reason=command.reason.strip(), cancelled=running))
        return
    ids = pending.context.ids
    pending.add(
        e.Replanned(reason=command.reason.strip(), cancelled=running, instance_code=ids.token(), nonce=ids.token(8))
    )


def timer(pending: PendingDecision, command: c.TimerFired) -> None:
    """Do what a timer is for; one that the plan no longer has is stale and does nothing."""
    kind = TimerKind(command.kind)
    if timers_of(pending.plan).get(kind) != command.due_at:
        return
    match kind:
        case TimerKind.SCHEDULE:
            _schedule(pending)
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


def _schedule(pending: PendingDecision) -> None:
    """Start the workflow items that nothing holds up; text items are for people, failed ones wait for a decision."""
    plan = pending.plan
    open_now = plan.window.contains(pending.context.now)
    todo = [item for item in plan.items.values() if open_now and _startable(item)]
    due = sorted((item for item in todo if not plan.blockers(item)), key=lambda item: item.position)
    pending.add(e.ScheduleFired(started=tuple(item.id for item in due)))
    for item in due:
        _start(pending, item, "")


def _startable(item: Item) -> bool:
    return item.type == "workflow" and item.status is ItemStatus.TODO
