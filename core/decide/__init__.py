"""What happens when a command meets a plan: events, or one typed error. Pure; nothing here reads a clock or a store.

This module checks who may do what and dispatches; the three chapters are `core.decide.planning`,
`core.decide.approval` and `core.decide.execution`, with `core.decide.external` for external systems and
`core.decide.flow` for how a plan moves on.
"""

from __future__ import annotations

from typing import assert_never

from core import commands as c
from core import events as e
from core.approval import eligible_in_any, represented
from core.commands import Verb
from core.context import Context
from core.decide import approval, execution, planning
from core.decide import external as checks
from core.decide.decision import PendingDecision
from core.errors import Forbidden, ItemNotReady, NotFound, OutdatedCard, WrongStatus
from core.people import ActorKind
from core.plan import Plan
from core.status import ENDED
from core.verbs import VERBS, Target

_THE_SYSTEMS_OWN = frozenset({Verb.EDIT, Verb.REPLAN})
"""What people cannot do to a plan by which another system asks: they would approve something else than it asked."""


def start(command: c.Create, context: Context) -> PendingDecision:
    """Return the new plan that a `Create` command makes; its number is given when it is saved.

    Raises Invalid with every problem of the draft.
    """
    return planning.start(command, context)


def decide(plan: Plan, command: c.AnyCommand, context: Context) -> PendingDecision:
    """Return the events that a command causes, with the plan after them. No events means there was nothing to do.

    Raises a FabuError when the plan or the actor's rights do not allow it.
    """
    if plan.deleted and not isinstance(command, c.Replay | c.NoteEndpointDisabled):
        raise NotFound(what="plan", ref=plan.number)
    if command.nonce and command.nonce != plan.nonce:
        raise OutdatedCard
    if isinstance(command, c.PersonCommand) and not isinstance(command, c.Create):
        _allowed(plan, command, context)
    pending = PendingDecision(plan, context)
    _dispatch(pending, command)
    return pending


def may(plan: Plan, verb: Verb, context: Context, item_id: str = "") -> bool:
    """Tell whether a card should offer a verb to the actor; the decision itself is taken when it is used."""
    return plan.status in VERBS[verb].statuses and _has_right(plan, verb, context, item_id)


def _allowed(plan: Plan, command: c.PersonCommand, context: Context) -> None:
    verb: Verb = command.verb
    item_id = command.item_id if isinstance(command, c.ItemCommand) else ""
    if item_id and item_id not in plan.items:
        raise NotFound(what="item", ref=item_id)
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.DELEGATE):
        approval.check_right(plan, context)
    elif not _has_right(plan, verb, context, item_id):
        if plan.gate and verb in _THE_SYSTEMS_OWN:
            raise Forbidden("Another system asks for this approval. Change the plan there, and it asks anew.")
        if verb is Verb.EXECUTE and _waits(plan, item_id):
            raise Forbidden("Only those who approve this plan may let a workflow go on here. Else do it where it runs.")
        raise Forbidden(verb=verb, manager=context.directory.name(plan.manager))
    if plan.status not in VERBS[verb].statuses:
        if verb in (Verb.APPROVE, Verb.REJECT):
            approval.check_not_decided(plan, context)
        if item_id and plan.items[item_id].complete and plan.status in ENDED:
            raise ItemNotReady(item=plan.items[item_id].name, status=plan.items[item_id].status, verb=verb)
        raise WrongStatus(status=plan.status, verb=verb)


def _has_right(plan: Plan, verb: Verb, context: Context, item_id: str) -> bool:
    """Tell whether a verb is the actor's; a system has every right, but no vote, in the plans by which it asks."""
    actor = context.actor
    if actor.kind is not ActorKind.PERSON:
        return actor.id == plan.gate
    if plan.gate and verb in _THE_SYSTEMS_OWN:
        return False
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.DELEGATE):
        return bool(represented(plan, actor.id, context.directory))
    if verb is Verb.EXECUTE and _waits(plan, item_id):
        return actor.id in eligible_in_any(plan, context.directory)
    if actor.admin or actor.id == plan.manager:
        return True
    if verb is Verb.EDIT:
        return actor.id in plan.collaborators
    item = plan.items.get(item_id)
    return VERBS[verb].target is Target.ITEM and item is not None and item.assignee == actor.id


def _waits(plan: Plan, item_id: str) -> bool:
    """Tell whether the run of an item stands still until a person lets it go on."""
    item = plan.items.get(item_id)
    return item is not None and item.waits


def _dispatch(pending: PendingDecision, command: c.AnyCommand) -> None:
    match command:
        case c.Create():
            raise WrongStatus(status=pending.plan.status, verb=Verb.CREATE)
        case c.Edit() | c.Finish() | c.Submit() | c.Delete():
            planning.decide(pending, command)
        case c.Approve() | c.Reject() | c.Delegate() | c.LinkForm() | c.CloseForm():
            approval.decide(pending, command)
        case c.Execute() | c.Skip() | c.Retry() | c.ReportRun():
            execution.decide(pending, command)
        case c.Replan() | c.Cancel():
            execution.withdraw(pending, command)
        case (
            c.Callback()
            | c.Recheck()
            | c.NoteHookDelivered()
            | c.NoteHookUndeliverable()
            | c.NoteEndpointDisabled()
            | c.Replay()
        ):
            checks.decide(pending, command)
        case c.TimerFired():
            execution.timer(pending, command)
        case c.Refuse():
            pending.add(e.Refused(verb=command.refused_verb, code=command.code))
        case _:
            assert_never(command)
