"""Rights: who may use which verb on a plan, and the errors that explain a refusal."""

from __future__ import annotations

from dataclasses import replace

from core import commands as c
from core.approval import eligible_in_any, has_approved, lists_without, represented_by
from core.commands import Verb
from core.context import Context
from core.decide import approval
from core.errors import FabuError, Forbidden, ItemNotReady, NotFound, Thing, WrongStatus
from core.messages import Message
from core.people import ActorKind
from core.plan import Plan
from core.status import ENDED, ItemStatus
from core.verbs import VERBS, Target

_RESERVED_TO_GATES = frozenset({Verb.EDIT, Verb.REPLAN})
"""What people cannot do to the plan of a gate: they would approve something else than the other system requested."""
_SYSTEM_OWNS_PLAN = Message("Another system asks for this approval. Change the plan there, and it asks anew.")
_ONLY_APPROVERS_RESUME = Message(
    "Only those who approve this plan may let a workflow go on here: {people}. Else do it where it runs."
)
_ONLY_EXECUTORS = Message("A policy lets only these people execute this plan: {executors}.")
_APPROVED_BY_YOU = Message(
    "You approved this plan, and a policy demands that somebody else executes it. Who may: {people}."
)
_OTHER_ADMINISTRATORS = Message("administrators who did not approve it")
_SCHEDULE_BARRED = Message(
    "It starts items in the name of the manager, {manager}, whom the policies do not let execute this plan. "
    "Somebody who may has to execute them."
)


def may(plan: Plan, verb: Verb, context: Context, item_id: str = "") -> bool:
    """Return whether a card should offer a verb to the actor. `decide` checks everything when the verb is used."""
    spec, scopes = VERBS[verb], context.actor.credential.scopes
    is_accepted = not plan.deleted and plan.status in spec.statuses and spec.scope in scopes
    return is_accepted and _has_right(plan, verb, context, item_id)


def check_allowed(plan: Plan, command: c.PersonCommand, context: Context) -> None:
    """Raise the error that explains why the actor has no right to a verb, or the plan does not accept it, if so."""
    verb: Verb = command.verb
    context.actor.require(VERBS[verb].scope)
    item_id = command.item_id if isinstance(command, c.ItemCommand) else ""
    if item_id and item_id not in plan.items:
        raise NotFound(Thing.ITEM, item_id)
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.DELEGATE):
        approval.check_right(plan, context)
    elif not _has_right(plan, verb, context, item_id):
        raise _refusal(plan, verb, context, item_id)
    if plan.status not in VERBS[verb].statuses:
        if verb in (Verb.APPROVE, Verb.REJECT):
            approval.check_not_decided(plan, context)
        if item_id and plan.items[item_id].complete and plan.status in ENDED:
            raise ItemNotReady(item=plan.items[item_id].name, status=plan.items[item_id].status, verb=verb)
        raise WrongStatus(status=plan.status, verb=verb)


def _refusal(plan: Plan, verb: Verb, context: Context, item_id: str) -> FabuError:
    """Return the error that explains why the actor has no right to a verb that is no vote."""
    if plan.gate and verb in _RESERVED_TO_GATES:
        return Forbidden(_SYSTEM_OWNS_PLAN)
    if verb is Verb.EXECUTE and _waits_for_person(plan, item_id):
        people = context.directory.names(sorted(_resumers(plan, context)))
        return Forbidden(replace(_ONLY_APPROVERS_RESUME, params={"people": people}))
    if item_id and (barred := _barred_by_policy(plan, item_id, verb, context)):
        return Forbidden(barred)
    if verb is Verb.EXECUTE and _was_started(plan, item_id) and context.actor.id in _resumers(plan, context):
        # Whoever may let a run go on is told that it has gone on, and not that it was never theirs to do.
        return ItemNotReady(item=plan.items[item_id].name, status=plan.items[item_id].status, verb=verb)
    return Forbidden(verb=verb, people=context.directory.names(_who_may(plan, verb, item_id)))


def _who_may(plan: Plan, verb: Verb, item_id: str) -> list[str]:
    """Return who may use a verb that is no vote, beside administrators: those whom one asks first."""
    item = plan.items.get(item_id)
    return [item.assignee if item else "", plan.manager, *(plan.collaborators if verb is Verb.EDIT else ())]


def _has_right(plan: Plan, verb: Verb, context: Context, item_id: str) -> bool:
    """Return whether the actor has the right to a verb. A system has all rights but votes on the plans of its gate."""
    actor = context.actor
    if actor.kind is not ActorKind.PERSON:
        return actor.id == plan.gate
    if plan.gate and verb in _RESERVED_TO_GATES:
        return False
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.DELEGATE):
        return bool(represented_by(plan, actor.id, context.directory))
    if verb is Verb.EXECUTE and _waits_for_person(plan, item_id):
        return actor.id in _resumers(plan, context)
    if VERBS[verb].target is Target.ITEM:
        return _has_right_to_item(plan, verb, context, item_id)
    return actor.admin or actor.id == plan.manager or (verb is Verb.EDIT and actor.id in plan.collaborators)


def _has_right_to_item(plan: Plan, verb: Verb, context: Context, item_id: str) -> bool:
    """Return whether a person may use a verb on an item: the executors of the policies, if they name any."""
    if _barred_by_policy(plan, item_id, verb, context):
        return False
    actor, item = context.actor, plan.items.get(item_id)
    if plan.controls and plan.controls.executors:
        return True
    return actor.admin or actor.id == plan.manager or (item is not None and item.assignee == actor.id)


def _barred_by_policy(plan: Plan, item_id: str, verb: Verb, context: Context) -> Message | None:
    """Return why the policies of a plan do not let a person execute, skip or retry an item, if so.

    The assignee of a text item may always complete it: that runs nothing.
    """
    controls, actor, item = plan.controls, context.actor, plan.items.get(item_id)
    if controls is None:
        return None
    if controls.separate_executor and has_approved(actor.id, plan):
        lists = [context.directory.expand(names) for names in controls.executors]
        people = sorted(frozenset.intersection(*lists)) if lists else _who_may(plan, verb, item_id)
        names = context.directory.names(each for each in people if not has_approved(each, plan))
        return replace(_APPROVED_BY_YOU, params={"people": names or _OTHER_ADMINISTRATORS})
    if verb is Verb.EXECUTE and item is not None and item.type == "text" and item.assignee == actor.id:
        return None
    missing = lists_without(actor.id, controls, context.directory)
    names = context.directory.names(name for each in missing for name in each)
    return replace(_ONLY_EXECUTORS, params={"executors": names}) if missing else None


def schedule_barred(plan: Plan, context: Context) -> Message | None:
    """Return why the policies of a plan do not let its schedule start items, if so: it does so for the manager."""
    controls, manager = plan.controls, plan.manager
    if controls is None:
        return None
    approved = controls.separate_executor and has_approved(manager, plan)
    if not approved and not lists_without(manager, controls, context.directory):
        return None
    return replace(_SCHEDULE_BARRED, params={"manager": context.directory.name(manager)})


def _resumers(plan: Plan, context: Context) -> frozenset[str]:
    """Return the people who may let a run go on that waits for a person."""
    return eligible_in_any(plan, context.directory)


def _waits_for_person(plan: Plan, item_id: str) -> bool:
    """Return whether the run of an item waits for a person."""
    item = plan.items.get(item_id)
    return item is not None and item.waits


def _was_started(plan: Plan, item_id: str) -> bool:
    """Return whether an item has a run that goes on or has succeeded."""
    item = plan.items.get(item_id)
    return item is not None and item.run is not None and item.status in (ItemStatus.RUNNING, ItemStatus.DONE)
