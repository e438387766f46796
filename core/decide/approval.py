"""Decisions on the approval: who may vote, votes, delegation, and the vendors' own approval forms."""

from __future__ import annotations

from typing import assert_never

from core import commands as c
from core import events as e
from core.approval import eligible, excluded_voters, is_complete, represented_by
from core.commands import Verb
from core.context import Context
from core.decide import flow
from core.decide.decision import PendingDecision
from core.errors import (
    AlreadyDecided,
    ConfirmedOnPage,
    DecidedInForm,
    Forbidden,
    Gone,
    Invalid,
    NotApprover,
    NotYourTurn,
    Problem,
    SelfApproval,
    WrongStatus,
)
from core.messages import Message
from core.plan import Confirmation, Decision, Plan
from core.status import PlanStatus
from core.verbs import VERBS


def check_right(plan: Plan, context: Context) -> None:
    """Raise the error that explains why an actor has no vote now, if so."""
    if plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return
    stage = plan.approval.stage
    if stage is None:
        raise WrongStatus(status=plan.status, verb=Verb.APPROVE)
    actor, directory = context.actor, context.directory
    if stage.channel.is_form and actor.via != stage.channel.value:
        raise DecidedInForm(platform=stage.channel, people=directory.names(stage.approvers))
    if plan.controls and plan.controls.confirm is Confirmation.PAGE and actor.via != "console":
        raise ConfirmedOnPage(plan=plan.number)
    if represented_by(plan, actor.id, directory):
        return
    check_not_decided(plan, context)
    excluded = excluded_voters(plan)
    if actor.id in excluded and actor.id in directory.expand(stage.approvers):
        raise SelfApproval(people=directory.names(sorted(eligible(stage, excluded, directory))))
    for other in plan.approval.stages:
        if actor.id in eligible(other, excluded, directory):
            raise NotYourTurn(yours=other.name, stage=stage.name)
    raise NotApprover(stage=stage.name, approvers=directory.names(stage.approvers))


def check_not_decided(plan: Plan, context: Context) -> None:
    """Raise AlreadyDecided when the actor has voted on this revision."""
    if voted := next((vote for vote in plan.votes if context.actor.id in (vote.person, vote.delegate)), None):
        raise AlreadyDecided(decision=voted.decision)


def decide(pending: PendingDecision, command: c.Approve | c.Reject | c.Delegate) -> None:
    """Decide a person's command on the approval."""
    match command:
        case c.Approve():
            _check_form(pending, command.form)
            _vote(pending, Decision.APPROVE, command.comment)
        case c.Reject():
            _check_form(pending, command.form)
            if not (command.reason.strip() or command.form):
                raise Invalid(Problem("reason", "say why you reject the plan, so that it can be mended"))
            _vote(pending, Decision.REJECT, command.reason)
        case c.Delegate():
            _check_form(pending, command.form)
            _delegate(pending, command)
        case _:
            assert_never(command)


def _check_form(pending: PendingDecision, form: str) -> None:
    """Raise Gone for a vote from the form of another stage or revision."""
    stage = pending.plan.approval.stage
    if form and (stage is None or stage.form != form):
        raise Gone


def _vote(pending: PendingDecision, decision: Decision, comment: str) -> None:
    plan, actor = pending.plan, pending.context.actor
    index = plan.approval.current
    given = {vote.person: vote for vote in plan.votes_of(index)}
    names = represented_by(plan, actor.id, pending.context.directory)
    person = next((name for name in names if name not in given), None)
    if person is None:
        raise AlreadyDecided(decision=given[names[0]].decision)
    delegate = "" if person == actor.id else actor.id
    pending.add(
        e.Voted(
            stage=index, person=person, decision=decision, comment=comment.strip(), delegate=delegate,
            revision=plan.revision, content_sha256=plan.content_sha256,
        )
    )  # fmt: skip
    if decision is Decision.REJECT:
        reason = Message.verbatim(comment.strip())
        pending.add(e.Denied(reason=reason or Message("Rejected in the approval form, without a comment.")))
    elif is_complete(pending.plan, pending.context.directory):
        pending.add(e.StagePassed(stage=index))
        if pending.plan.approval.stage is None:
            pending.add(e.Approved())
            flow.start_execution(pending)


def _delegate(pending: PendingDecision, command: c.Delegate) -> None:
    plan, context, to = pending.plan, pending.context, command.to
    if context.actor.id not in represented_by(plan, context.actor.id, context.directory):
        raise Forbidden(Message("A delegate cannot delegate further. Ask the approver to name somebody else."))
    allowed = to not in excluded_voters(plan)
    if not context.directory.active(to) or to == context.actor.id or not allowed:
        raise Invalid(Problem("to", "{name} cannot decide in your place; name another active person", {"name": to}))
    pending.add(e.Delegated(stage=plan.approval.current, person=context.actor.id, to=to))


def follow_form(pending: PendingDecision, command: c.LinkForm | c.CloseForm | c.RevertForm | c.RefuseFormVoter) -> None:
    """Decide a command on the vendor's approval form of a stage. One on a form that is not the plan's does nothing."""
    plan = pending.plan
    waits = plan.status in VERBS[Verb.APPROVE].statuses
    index = next((i for i, s in enumerate(plan.approval.stages) if s.form and s.form == command.form), None)
    match command:
        case c.LinkForm():
            current = plan.approval.current
            if waits and command.stage == current and command.form != plan.approval.stages[current].form:
                pending.add(e.FormLinked(stage=command.stage, form=command.form))
        case c.CloseForm():
            # No other form would come. One that could not be submitted has no id.
            current = plan.approval.current
            if waits and command.stage == current and command.form == plan.approval.stages[current].form:
                pending.add(e.Denied(reason=command.reason))
        case c.RevertForm():
            if index is not None:
                pending.add(e.FormReverted(stage=index, form=command.form))
        case c.RefuseFormVoter():
            if waits and index == plan.approval.current:
                pending.add(e.FormVoterRefused(stage=index, form=command.form, person=command.person))
        case _:
            assert_never(command)
