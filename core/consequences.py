"""Which effects follow from the events of a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from core import events as e
from core.context import Policy
from core.effects import ADMINS, Effect, EffectKind
from core.plan import Plan
from core.ports.clock import Ids
from core.status import WAITING_CHECK, HookEvent, PlanStatus


def effects_of(
    before: Plan | None, after: Plan, events: Sequence[e.AnyEvent | e.Created], policy: Policy, ids: Ids, now: datetime
) -> list[Effect]:
    """Return the effects of events that led from one state of a plan to another."""
    found: list[Effect] = []

    def add(destination: str, kind: EffectKind, ref: str = "", **payload: object) -> None:
        found.append(Effect(ids.new(), after.id, destination, kind, ref, payload, now))

    for event in events:
        for destination, kind, ref, payload in _followed(event, before, after):
            add(destination, kind, ref, **payload)
    for moment, status in _told(events):
        for endpoint in policy.told_of(moment):
            told = {"status": status.value, "instance_code": after.instance_code}
            add(f"hook:{endpoint}", EffectKind.HOOK, moment.value, **told)
    found += _forms(before, after, ids, now)
    found += _answer(before, after, ids, now)
    for destination in policy.destinations if any(event.changes_cards for event in events) else ():
        add(destination, EffectKind.SYNC)
    return found


def _followed(
    event: e.AnyEvent | e.Created, before: Plan | None, after: Plan
) -> Iterator[tuple[str, EffectKind, str, dict[str, str]]]:
    """Yield destination, kind, reference and payload of what follows from one event whatever else happened."""
    match event:
        case e.RunRequested():
            runner = after.items[event.item_id].runner
            yield f"runner:{runner}", EffectKind.RUN_START, event.run.id, {"item": event.item_id}
        case e.RunResumed():
            item = after.items[event.item_id]
            told = {"item": item.id, "comment": event.comment, "by": after.updated_by}
            yield f"runner:{item.runner}", EffectKind.RUN_RESUME, item.run.id if item.run else "", told
        case e.EndpointDisabled():
            yield ADMINS, EffectKind.ALARM, event.endpoint, {"reason": event.reason}
        case e.Replanned() | e.Cancelled() if before:
            for item in (before.items[item_id] for item_id in event.cancelled):
                if run := item.run:
                    told = {"item": item.id, "run": run.external_id}
                    yield f"runner:{item.runner}", EffectKind.RUN_CANCEL, run.id, told
        case _:
            pass


_MOMENTS = {
    e.Finished: (HookEvent.FINISH_PLANNING, PlanStatus.FINISH_PLANNING),
    e.ExecutionStarted: (HookEvent.START_EXECUTE, PlanStatus.EXECUTING),
    e.Succeeded: (HookEvent.ALL_JOB_DONE, PlanStatus.SUCCESS),
}


def _told(events: Sequence[e.AnyEvent | e.Created]) -> list[tuple[HookEvent, PlanStatus]]:
    """Return the moments that external systems are told of, with the status that the hook's body states.

    A moment that is waited for is told once, when the wait starts, not again when it is over.
    """
    waits = {
        event.check.event: WAITING_CHECK[event.check.event] for event in events if isinstance(event, e.CheckStarted)
    }
    passed = {event.event for event in events if isinstance(event, e.CheckPassed)}
    happened = dict(_MOMENTS[type(event)] for event in events if type(event) in _MOMENTS)
    return [*waits.items(), *((m, s) for m, s in happened.items() if m not in waits and m not in passed)]


def _forms(before: Plan | None, after: Plan, ids: Ids, now: datetime) -> list[Effect]:
    """Start the vendor's form of the stage that is asked now, and withdraw the one that is asked no longer."""
    asked, previous = _asked_stage(after), _asked_stage(before)
    if asked == previous:
        return []
    found = []
    if previous and before and (form := before.approval.stages[previous[1]].form):
        destination = before.approval.stages[previous[1]].channel.value
        payload = {"stage": previous[1], "form": form}
        found.append(Effect(ids.new(), after.id, destination, EffectKind.FORM_CANCEL, form, payload, now))
    if asked:
        destination = after.approval.stages[asked[1]].channel.value
        ref = f"{after.id}-{asked[0]}-{asked[1]}"
        found.append(
            Effect(
                ids.new(),
                after.id,
                destination,
                EffectKind.FORM_START,
                ref,
                {"stage": asked[1], "revision": asked[0]},
                now,
            )
        )
    return found


def _answer(before: Plan | None, after: Plan, ids: Ids, now: datetime) -> list[Effect]:
    """Tell the system that asked for an approval how it ended, unless it withdrew its question itself."""
    asked = PlanStatus.WAIT_FOR_APPROVAL
    ended = before is not None and before.status is asked and after.status is not asked
    if not ended or after.updated_by == after.gate or not after.gate:
        return []
    return [Effect(ids.new(), after.id, after.gate, EffectKind.ANSWER, due_at=now)]


def _asked_stage(plan: Plan | None) -> tuple[int, int] | None:
    """Return revision and index of the stage whose vendor form should be open."""
    if plan is None or plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return None
    stage = plan.approval.stage
    return (plan.revision, plan.approval.current) if stage and stage.channel.value.endswith("_instance") else None
