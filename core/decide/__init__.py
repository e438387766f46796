"""Decisions: the events that a command causes on a plan, or one typed error. Pure: no clock and no store is read.

This module dispatches to `core.decide.planning`, `core.decide.approval`, `core.decide.execution` and
`core.decide.external` (external systems), once `core.decide.rights` has no objection; `core.decide.flow` has the steps
by which a plan proceeds.
"""

from __future__ import annotations

from typing import assert_never

from core import commands as c
from core import events as e
from core.commands import Verb
from core.context import Context
from core.decide import approval, execution, external, planning
from core.decide.decision import PendingDecision
from core.decide.rights import check_allowed
from core.errors import NotFound, OutdatedCard, Thing, WrongStatus
from core.plan import Plan
from core.verbs import VERBS


def start(command: c.Create, context: Context) -> PendingDecision:
    """Return the new plan that a `Create` command makes; its number is given when it is saved.

    Raises Invalid with every problem of the draft, and MissingScope.
    """
    context.actor.require(VERBS[command.verb].scope)
    return planning.start(command, context)


def decide(plan: Plan, command: c.AnyCommand, context: Context) -> PendingDecision:
    """Return the events that a command causes, with the plan after them. Without events there was nothing to do.

    Raises a FabuError when the plan or the actor's rights do not allow it.
    """
    if plan.deleted and not isinstance(command, c.Replay | c.NoteEndpointDisabled):
        raise NotFound(Thing.PLAN, plan.number)
    if command.nonce and command.nonce != plan.nonce:
        raise OutdatedCard
    if isinstance(command, c.PersonCommand) and not isinstance(command, c.Create):
        check_allowed(plan, command, context)
    pending = PendingDecision(plan, context)
    _dispatch(pending, command)
    return pending


def _dispatch(pending: PendingDecision, command: c.AnyCommand) -> None:
    match command:
        case c.Create():
            raise WrongStatus(status=pending.plan.status, verb=Verb.CREATE)
        case c.Edit() | c.Finish() | c.Submit() | c.Delete():
            planning.decide(pending, command)
        case c.Approve() | c.Reject() | c.Delegate():
            approval.decide(pending, command)
        case c.LinkForm() | c.CloseForm() | c.RevertForm() | c.RefuseFormVoter():
            approval.follow_form(pending, command)
        case c.Execute() | c.Skip() | c.Retry() | c.ReportRun() | c.RefuseRun():
            execution.decide(pending, command)
        case c.Replan() | c.Cancel():
            execution.withdraw(pending, command)
        case (
            c.Callback()
            | c.Recheck()
            | c.NoteHookDelivered()
            | c.NoteHookUndeliverable()
            | c.NoteEndpointDisabled()
            | c.NoteCardsRefused()
            | c.Replay()
        ):
            external.decide(pending, command)
        case c.TimerFired():
            execution.fire_timer(pending, command)
        case c.Refuse():
            pending.add(e.Refused(verb=command.refused_verb, code=command.code))
        case _:
            assert_never(command)
