"""Rights: who may use which verb on a plan, and the errors that explain a refusal."""

from __future__ import annotations

from core import commands as c
from core.approval import eligible_in_any, represented_by
from core.commands import Verb
from core.context import Context
from core.decide import approval
from core.errors import Forbidden, ItemNotReady, NotFound, Thing, WrongStatus
from core.messages import Message
from core.people import ActorKind
from core.plan import Plan
from core.status import ENDED, ItemStatus
from core.verbs import VERBS, Target

_RESERVED_TO_GATES = frozenset({Verb.EDIT, Verb.REPLAN})
"""What people cannot do to the plan of a gate: they would approve something else than the other system requested."""
_SYSTEM_OWNS_PLAN = Message("Another system asks for this approval. Change the plan there, and it asks anew.")
_ONLY_APPROVERS_RESUME = Message(
    "Only those who approve this plan may let a workflow go on here. Else do it where it runs."
)


def may(plan: Plan, verb: Verb, context: Context, item_id: str = "") -> bool:
    """Return whether a card should offer a verb to the actor. `decide` checks everything when the verb is used."""
    return not plan.deleted and plan.status in VERBS[verb].statuses and _has_right(plan, verb, context, item_id)


def check_allowed(plan: Plan, command: c.PersonCommand, context: Context) -> None:
    """Raise the error that explains why the actor has no right to a verb, or the plan does not accept it, if so."""
    verb: Verb = command.verb
    item_id = command.item_id if isinstance(command, c.ItemCommand) else ""
    if item_id and item_id not in plan.items:
        raise NotFound(Thing.ITEM, item_id)
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.DELEGATE):
        approval.check_right(plan, context)
    elif not _has_right(plan, verb, context, item_id):
        if plan.gate and verb in _RESERVED_TO_GATES:
            raise Forbidden(_SYSTEM_OWNS_PLAN)
        if verb is Verb.EXECUTE and _waits_for_person(plan, item_id):
            raise Forbidden(_ONLY_APPROVERS_RESUME)
        if verb is Verb.EXECUTE and _was_started(plan, item_id) and context.actor.id in _resumers(plan, context):
            # Whoever may let a run go on is told that it has gone on, and not that it was never theirs to do.
            raise ItemNotReady(item=plan.items[item_id].name, status=plan.items[item_id].status, verb=verb)
        raise Forbidden(verb=verb, manager=context.directory.name(plan.manager))
    if plan.status not in VERBS[verb].statuses:
        if verb in (Verb.APPROVE, Verb.REJECT):
            approval.check_not_decided(plan, context)
        if item_id and plan.items[item_id].complete and plan.status in ENDED:
            raise ItemNotReady(item=plan.items[item_id].name, status=plan.items[item_id].status, verb=verb)
        raise WrongStatus(status=plan.status, verb=verb)


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
    if actor.admin or actor.id == plan.manager:
        return True
    if verb is Verb.EDIT:
        return actor.id in plan.collaborators
    item = plan.items.get(item_id)
    return VERBS[verb].target is Target.ITEM and item is not None and item.assignee == actor.id


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
