"""Which effects follow from the events of a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from core import events as e
from core.approval import form_key
from core.context import Policy
from core.effects import (
    Alarm,
    Answer,
    ContentMismatch,
    Destination,
    DestinationKind,
    Effect,
    FormCancel,
    FormComment,
    FormReverted,
    FormStart,
    Hook,
    Payload,
    RunCancel,
    RunResume,
    RunStart,
    Sync,
    Undelivered,
)
from core.plan import Item, Plan, Stage
from core.ports.clock import Ids
from core.status import WAITING_CHECK, HookEvent, PlanStatus

_Task = tuple[Destination, Payload]
_Events = Sequence[e.AnyEvent | e.Created]


def effects_of(
    before: Plan | None, after: Plan, events: _Events, policy: Policy, ids: Ids, now: datetime
) -> list[Effect]:
    """Return the effects of events that led from one state of a plan to another."""
    tasks = chain(
        chain.from_iterable(_direct_tasks(event, before, after) for event in events),
        _hook_tasks(events, after, policy),
        _form_tasks(before, after),
        _answer_tasks(before, after),
        _sync_tasks(events, policy),
        _digest_tasks(events, policy),
    )
    return [Effect(ids.new(), after.id, destination, payload, now) for destination, payload in tasks]


def _direct_tasks(  # noqa: C901 - one flat list of cases
    event: e.AnyEvent | e.Created, before: Plan | None, after: Plan
) -> Iterator[_Task]:
    """Yield the tasks of one event that depend on no other event."""
    match event:
        case e.RunRequested():
            yield _runner(after.items[event.item_id]), RunStart(event.run.id, event.item_id)
        case e.RunResumed():
            item = after.items[event.item_id]
            yield _runner(item), RunResume(item.run.id if item.run else "", item.id, event.comment, after.updated_by)
        case e.EndpointDisabled():
            yield Destination(DestinationKind.ADMINS), Alarm(event.endpoint, event.reason)
        case e.CardsRefused():
            warning = Undelivered(event.chat, event.recipients, after.manager, event.reason)
            yield Destination(DestinationKind.ADMINS), warning
        case e.ContentMismatch() if event.alarms:
            yield Destination(DestinationKind.ADMINS), ContentMismatch(event.item_id)
        case e.FormReverted() if after.status is not PlanStatus.WAIT_FOR_APPROVAL:
            yield Destination(DestinationKind.ADMINS), FormReverted(event.stage, after.revision, after.manager)
        case e.FormVoterRefused():
            yield _form_of(after.approval.stages[event.stage]), FormComment(event.form, event.person)
        case e.Replanned() | e.Cancelled() if before:
            for item in (before.items[item_id] for item_id in event.cancelled):
                if run := item.run:
                    yield _runner(item), RunCancel(run.id, item.id, run.external_id)
        case _:
            pass


def _runner(item: Item) -> Destination:
    return Destination(DestinationKind.RUNNER, item.runner)


_HOOKS = {
    e.Finished: (HookEvent.FINISH_PLANNING, PlanStatus.FINISH_PLANNING),
    e.ExecutionStarted: (HookEvent.START_EXECUTE, PlanStatus.EXECUTING),
    e.Succeeded: (HookEvent.ALL_JOB_DONE, PlanStatus.SUCCESS),
}
"""The events that external systems are notified of, with the status that the hook's body states."""


def _hook_tasks(events: _Events, after: Plan, policy: Policy) -> Iterator[_Task]:
    """Yield the hooks. A hook that starts a check is sent when the check starts, and not again when it has passed."""
    waits = {
        event.check.event: WAITING_CHECK[event.check.event] for event in events if isinstance(event, e.CheckStarted)
    }
    passed = {event.event for event in events if isinstance(event, e.CheckPassed)}
    happened = dict(_HOOKS[type(event)] for event in events if type(event) in _HOOKS)
    others = {hook: status for hook, status in happened.items() if hook not in waits and hook not in passed}
    for hook, status in (waits | others).items():
        for endpoint in policy.endpoints_for(hook):
            yield Destination(DestinationKind.HOOK, endpoint), Hook(hook, status, after.instance_code)


def _form_tasks(before: Plan | None, after: Plan) -> Iterator[_Task]:
    """Yield the cancellation of the form of the stage before, then the start of the form of the current stage."""
    previous, current = _form_stage(before), _form_stage(after)
    if current == previous:
        return
    if previous and before and (stage := before.approval.stages[previous[1]]).form:
        yield _form_of(stage), FormCancel(previous[1], stage.form)
    if current:
        revision, index, _ = current
        yield _form_of(after.approval.stages[index]), FormStart(index, revision, form_key(after))


def _form_stage(plan: Plan | None) -> tuple[int, int, int] | None:
    """Return which vendor's form must be open, if one must: its revision, stage, and the number of those before it."""
    if plan is None or plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return None
    stage = plan.approval.stage
    return (plan.revision, plan.approval.current, stage.void_forms) if stage and stage.channel.is_form else None


def _form_of(stage: Stage) -> Destination:
    return Destination(DestinationKind.APPROVAL_FORM, stage.channel.value)


def _answer_tasks(before: Plan | None, after: Plan) -> Iterator[_Task]:
    """Yield the answer to the system that requested the approval, when that has ended without that system's doing."""
    waiting = PlanStatus.WAIT_FOR_APPROVAL
    ended = before is not None and before.status is waiting and after.status is not waiting
    if ended and after.gate and after.updated_by != after.gate:
        yield Destination.parse(after.gate), Answer()


def _sync_tasks(events: _Events, policy: Policy) -> Iterator[_Task]:
    """Yield a sync for each chat when a card changes."""
    if any(event.changes_cards for event in events):
        for chat in policy.destinations:
            yield Destination(DestinationKind.CHAT, chat), Sync()


def _digest_tasks(events: _Events, policy: Policy) -> Iterator[_Task]:
    """Yield a sync of the digests when other things may wait for people."""
    if policy.destinations and any(event.changes_digests for event in events):
        yield Destination(DestinationKind.DIGESTS), Sync()
