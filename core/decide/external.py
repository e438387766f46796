"""Decisions on external systems: their callbacks, repeated checks, the log of deliveries to them, and replays."""

from __future__ import annotations

import hmac
from typing import assert_never

from core import commands as c
from core import events as e
from core.decide import flow
from core.decide.decision import PendingDecision
from core.errors import Contradiction, Forbidden, Invalid, Problem, WrongCode, WrongStatus
from core.messages import Message
from core.status import FAILED_CHECK, WAITING_CHECK


def decide(
    pending: PendingDecision,
    command: (
        c.Callback
        | c.Recheck
        | c.NoteHookDelivered
        | c.NoteHookUndeliverable
        | c.NoteEndpointDisabled
        | c.NoteCardsRefused
        | c.Replay
    ),
) -> None:
    """Decide a command on external systems."""
    match command:
        case c.Callback():
            _accept_callback(pending, command)
        case c.Recheck():
            waiting = {status: event for event, status in FAILED_CHECK.items()}
            flow.start_check(pending, waiting[pending.plan.status])
        case c.NoteHookDelivered():
            pending.add(e.HookDelivered(endpoint=command.endpoint, event=command.event, delivery=command.delivery))
        case c.NoteHookUndeliverable():
            pending.add(e.HookUndeliverable(endpoint=command.endpoint, event=command.event, reason=command.reason))
        case c.NoteEndpointDisabled():
            pending.add(e.EndpointDisabled(endpoint=command.endpoint, reason=command.reason))
        case c.NoteCardsRefused():
            pending.add(e.CardsRefused(chat=command.chat, recipients=command.recipients, reason=command.reason))
        case c.Replay():
            if not pending.context.actor.admin:
                raise Forbidden(Message("Only administrators may repeat deliveries. Ask one of them."))
            pending.add(
                e.Replayed(deliveries=command.deliveries, destinations=command.destinations, total=command.total)
            )
        case _:
            assert_never(command)


def _accept_callback(pending: PendingDecision, command: c.Callback) -> None:
    plan = pending.plan
    if not hmac.compare_digest(plan.instance_code.encode(), command.instance_code.encode()):
        raise WrongCode
    if command.result not in ("success", "failed", "executing"):
        raise Invalid(Problem("result", "write success, failed or executing"))
    if plan.status is not WAITING_CHECK[command.event]:
        answered = plan.answers.get(command.event)
        if answered is None:
            raise WrongStatus(status=plan.status, verb="callback")
        if answered != command.result:
            raise Contradiction(result=answered)
        pending.add(e.CheckRepeated(event=command.event, result=command.result))
        return
    match command.result:
        case "success":
            flow.pass_check(pending, command.event)
        case "failed":
            pending.add(e.CheckFailed(event=command.event, reason=Message.verbatim(command.reason)))
        case _ if plan.check and plan.check.progress != command.description:
            pending.add(e.CheckProgressed(event=command.event, progress=command.description))
        case _:
            pending.add(e.CheckRepeated(event=command.event, result=command.result))
