"""The approval forms of stages that are decided in a vendor's own form.

Forms are submitted, commented and withdrawn as effects. The state of a form is requested from the vendor at regular
intervals until its plan has ended, and when the vendor reports a change.

- A vote in a form counts as the vote of the same person in the engine. Who hands the decision over in the form
  delegates it. Where the form asks somebody whose vote does not count, a comment in it says so.
- A form that is returned, or ends before its stage is decided, denies the plan with the reason, so that no plan waits
  for ever.
- A form that is revoked after it was approved does not count any more (`core.events.FormReverted`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.cards.plan import PlanCards
from bot.i18n import Locale
from bot.outbox.worker import Courier, Receipt, back_off_forever
from bot.people.identities import Identities
from core import commands as c
from core.approval import eligible, excluded_voters, form_key, represented_by, votes_needed
from core.card import Card, Excerpt, Row, plain
from core.effects import FormCancel, FormComment, FormStart
from core.engine import Engine
from core.errors import (
    AlreadyDecided,
    Conflict,
    DeliveryError,
    FabuError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    OutdatedCard,
    UnknownPerson,
    WrongStatus,
)
from core.messages import Message
from core.people import Actor, ActorKind
from core.plan import Channel, Decision, Plan, Stage
from core.ports.approval_forms import ApprovalForms, FormOrder, FormReturn, FormState, FormStatus, FormVote
from core.ports.clock import Clock
from core.ports.outbox import Delivery
from core.ports.paging import Page
from core.ports.plans import PlanQuery
from core.ports.store import Store, Writing
from core.status import REOPENABLE, PlanStatus

log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 20
"""With the growing delays this is about an hour: when the vendor is down for longer, the plan is denied."""
_PAGE_SIZE = 100
_FOLLOWED = (
    *sorted(REOPENABLE), PlanStatus.EXECUTING, PlanStatus.ALL_DONE_CHECK, PlanStatus.ALL_DONE_CHECK_FAILED,
)  # fmt: skip
"""The statuses of the plans whose forms are followed without an event."""
_END_REASONS = {
    FormStatus.ENDED: Message("ended"),
    FormStatus.APPROVED: Message("approved"),
    FormStatus.REJECTED: Message("rejected"),
}
"""The reasons for the end of a form when its vendor gives none."""


class ApprovalFormStages:
    """Connects the plan engine with the vendors' approval forms. `vendors` has them by channel."""

    def __init__(
        self, store: Store, engine: Engine, identities: Identities, vendors: Mapping[str, ApprovalForms],
        clock: Clock, locale: Locale, public_url: str,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._identities, self._vendors = store, engine, identities, vendors
        self._clock, self._locale, self._public_url = clock, locale, public_url

    @property
    def courier(self) -> Courier:
        """How forms are submitted and withdrawn. For a vendor that is not enabled that fails with the reason."""
        return Courier(self._deliver, _backoff, self._deny_plan)

    async def poll(self) -> None:
        """Apply the state of every form that a plan waits for, or that a plan was approved by which has not ended.

        Without a vendor there is nobody to ask, and no plan is loaded.
        """
        if not self._vendors:
            return
        async for plan, form in self._iter_followed():
            try:
                await self._apply_state(plan, form)
            except FabuError as error:
                log.info("the approval form of plan #%s cannot be read: %s", plan.number, error)

    async def update(self, form: str) -> None:
        """Apply the state of a form whose vendor reports a change; ignore a form that is no plan's.

        Raises a FabuError when that fails; the next poll repeats it.
        """
        plan = await self._store.read(lambda reading: reading.plans.with_form(form))
        if plan:
            await self._apply_state(plan, form)

    async def _iter_followed(self) -> AsyncIterator[tuple[Plan, str]]:
        """Yield the forms that are followed, each with its plan."""
        for status in _FOLLOWED:
            query: PlanQuery | None = PlanQuery(status=status, limit=_PAGE_SIZE)
            while query:
                page = await self._load_page(query)
                for plan in page.items:
                    for form in [stage.form for stage in plan.approval.stages if stage.form]:
                        yield plan, form
                query = replace(query, cursor=page.next_cursor) if page.next_cursor else None

    async def _load_page(self, query: PlanQuery) -> Page[Plan]:
        return await self._store.read(lambda reading: reading.plans.page(query))

    async def _apply_state(self, plan: Plan, form: str) -> None:
        """Apply what has happened in a form since it was last looked at."""
        stage = next(stage for stage in plan.approval.stages if stage.form == form)
        state = await self._vendor(stage.channel).state(form)
        if state.status is FormStatus.REVERTED:
            await self._engine.execute(c.RevertForm(plan_id=plan.id, form=form), _system(stage.channel))
        elif _waits_for(plan, form):
            await self._apply_open(plan, stage, state)

    async def _apply_open(self, plan: Plan, stage: Stage, state: FormState) -> None:
        """Follow transfers, count the new votes, then close the stage when its form has ended.

        A form that was returned is closed at once: with whatever it is submitted again, the plan has not changed.
        """
        if state.returned:
            await self._close_form(plan, stage, await self._return_reason(stage, state.returned))
            return
        users = {*state.voters, *(vote.user for vote in state.votes), *(each.to for each in state.transfers)}
        actors = {user: await self._find_actor(stage.channel, user) for user in sorted(users)}
        actors |= {each.user: await self._find_actor(stage.channel, each.user) for each in state.transfers}
        plan = await self._follow_transfers(plan, stage, state, actors)
        for user in sorted(users - {each.user for each in state.transfers}):
            actor = actors[user]
            if actor is None or not self._is_heard(plan, actor):
                await self._refuse_voter(plan, stage, actor.id if actor else user)
        seen: Counter[str] = Counter()
        uncounted: list[str] = []
        for vote in state.votes:
            actor = actors[vote.user]
            if actor is None or not self._is_heard(plan, actor):
                uncounted.append(self._engine.directory.name(actor.id) if actor else vote.user)
                continue
            seen[actor.id] += 1
            plan = await self._count_vote(plan, stage, vote, actor, seen[actor.id])
            if not _waits_for(plan, stage.form):
                return
        if state.status is not FormStatus.OPEN:
            await self._close_form(plan, stage, _denial_reason(state, uncounted))

    def _is_heard(self, plan: Plan, actor: Actor) -> bool:
        """Return whether an actor may vote in the current stage, in whosever name."""
        return bool(represented_by(plan, actor.id, self._engine.directory))

    async def _follow_transfers(
        self, plan: Plan, stage: Stage, state: FormState, actors: Mapping[str, Actor | None]
    ) -> Plan:
        """Let each approver delegate to the person whom the form asks in their place; return the plan after it.

        A transfer to somebody who cannot be a delegate is not followed.
        """
        asked: dict[str, str] = {}
        for transfer in state.transfers:
            origin = next((user for user, to in asked.items() if to == transfer.user), transfer.user)
            asked[origin] = transfer.to
        approvers = eligible(stage, excluded_voters(plan), self._engine.directory)
        for user, to in asked.items():
            actor, delegate = actors[user], actors[to]
            if not actor or not delegate or actor.id not in approvers or actor.id == delegate.id:
                continue
            if plan.approval.delegates.get(actor.id) == delegate.id:
                continue
            command = c.Delegate(plan_id=plan.id, to=delegate.id, form=stage.form)
            try:
                plan = (await self._engine.execute(command, actor)).plan
            except (Forbidden, Invalid, Conflict, Gone) as error:
                log.info("plan #%s does not follow the transfer from %s: %s", plan.number, actor.id, error)
        return plan

    async def _refuse_voter(self, plan: Plan, stage: Stage, person: str) -> None:
        """Say in a form, once, that the vote of a person in it does not count."""
        command = c.RefuseFormVoter(plan_id=plan.id, form=stage.form, person=person)
        await self._engine.execute(command, _system(stage.channel), f"form:{stage.form}:refused:{person}")

    async def _return_reason(self, stage: Stage, returned: FormReturn) -> Message:
        """Return why a form that was returned denies its plan."""
        actor = await self._find_actor(stage.channel, returned.user)
        name = self._engine.directory.name(actor.id) if actor else returned.user
        if not returned.comment:
            return Message("{person} returned the approval form.", {"person": name})
        return Message("{person} returned the approval form: {comment}", {"person": name, "comment": returned.comment})

    async def _find_actor(self, channel: Channel, user: str) -> Actor | None:
        """Return the person with a vendor's user id, as an actor; None when nobody has it."""
        try:
            person = await self._identities.person(channel.platform, user)
        except UnknownPerson:
            return None
        return self._engine.directory.actor(person.id, channel.value)

    async def _count_vote(self, plan: Plan, stage: Stage, vote: FormVote, actor: Actor, number: int) -> Plan:
        """Count a vote of a form once, if its stage still waits for votes; return the plan after it.

        `number` is 1 for the actor's first vote in the form; a delegate has more.
        """
        counted = plan.votes_of(plan.approval.current)
        if number <= sum(actor.id == (each.delegate or each.person) for each in counted):
            return plan
        command: c.Approve | c.Reject = c.Approve(plan_id=plan.id, comment=vote.comment, form=stage.form)
        if vote.decision is Decision.REJECT:
            command = c.Reject(plan_id=plan.id, reason=vote.comment, form=stage.form)
        key = f"form:{stage.form}:{vote.user}:{vote.decision}" + (f":{number}" if number > 1 else "")
        try:
            return (await self._engine.execute(command, actor, key)).plan
        except (AlreadyDecided, Gone, WrongStatus):
            return await self._store.read(lambda reading: reading.plans.get(plan.id))

    async def _close_form(self, plan: Plan, stage: Stage, reason: Message) -> None:
        """Deny a plan whose form has ended, or could not be submitted."""
        command = c.CloseForm(
            plan_id=plan.id, nonce=plan.nonce, stage=plan.approval.current, form=stage.form, reason=reason
        )
        await self._engine.execute(command, _system(stage.channel))

    async def _deliver(self, delivery: Delivery) -> Receipt:
        effect = delivery.effect
        vendor = self._vendor(Channel(effect.destination.name))
        match effect.payload:
            case FormCancel(form=form):
                await vendor.cancel(form)
            case FormComment(form, person):
                await vendor.comment(form, self._render_comment(person))
            case _:
                await self._start(vendor, delivery, effect.payload_as(FormStart))
        return Receipt()

    def _render_comment(self, person: str) -> str:
        """Return the comment that says that the vote of a person in a form does not count."""
        return self._locale.text(
            "Fabu does not count a vote of {person} here. The approvers of the plan decide, and the person to whom one "
            "of them hands the decision over. To add an approver, take the plan back to planning and change it.",
            person=self._engine.directory.name(person),
        )

    async def _start(self, vendor: ApprovalForms, delivery: Delivery, start: FormStart) -> None:
        """Submit the form of a stage; withdraw it when that stage is not the current one any more.

        The plan has no link to a form whose response was lost, so nothing else withdraws such a form.
        """
        plan = await self._store.read(lambda reading: reading.plans.get(delivery.effect.plan_id, whole=True))
        stage = _find_stage(plan, start)
        if stage is None:
            if delivery.attempts > 1 and (form := await vendor.find(start.key)):
                await vendor.cancel(form)
        elif not stage.form:
            order = await self._make_order(plan, stage, start.key)
            await self._link(plan, stage, await vendor.start(order))

    async def _link(self, plan: Plan, stage: Stage, form: str) -> None:
        """Store the id of a form in its plan, whose approvers are shown the revision by it.

        The form is withdrawn when the plan does not wait for it any more.
        """
        command = c.LinkForm(plan_id=plan.id, nonce=plan.nonce, stage=plan.approval.current, form=form)
        try:
            linked = _waits_for((await self._engine.execute(command, _system(stage.channel))).plan, form)
        except (OutdatedCard, NotFound):  # the plan has a newer revision, or was deleted
            linked = False
        if not linked:
            await self._vendor(stage.channel).cancel(form)
            return

        def note(writing: Writing) -> None:
            for person in sorted(eligible(stage, excluded_voters(plan), self._engine.directory)):
                writing.seen.put(plan.id, person, plan.revision, self._clock.now())

        await self._store.write(note)

    async def _make_order(self, plan: Plan, stage: Stage, key: str) -> FormOrder:
        """Return the form to submit. Raises DeliveryError when too few approvers have an account at the vendor."""
        directory, channel = self._engine.directory, stage.channel
        people = sorted(eligible(stage, excluded_voters(plan), directory))
        users = {person: await self._find_user(channel, person) for person in people}
        submitter = await self._find_user(channel, plan.manager)
        missing = [person for person, user in users.items() if not user]
        if not submitter or len(users) - len(missing) < votes_needed(stage, len(people)):
            names = directory.names(missing if submitter else [plan.manager])
            reason = Message("these people have no account there: {people}", {"people": names})
            raise DeliveryError(channel.platform, reason, retryable=False, sent=False)
        card = PlanCards(self._locale, directory, self._public_url).approval(plan)
        return FormOrder(
            key=key,
            plan_id=plan.id,
            plan_number=plan.number,
            title=card.title,
            lines=tuple(_lines(card, self._locale)),
            url=card.more.url if card.more else "",
            submitter=submitter,
            approvers=tuple(user for user in users.values() if user),
            rule=stage.rule,
        )

    async def _find_user(self, channel: Channel, person_id: str) -> str:
        """Return the vendor's user id of a person, or ""."""
        person = self._engine.directory.people.get(person_id)
        return await self._identities.user(channel.platform, person) if person else ""

    def _vendor(self, channel: Channel) -> ApprovalForms:
        if channel not in self._vendors:
            raise DeliveryError(channel.value, Message("it is not enabled in the settings"), retryable=False)
        return self._vendors[channel]

    async def _deny_plan(self, delivery: Delivery, error: DeliveryError) -> None:
        """Deny a plan whose form could not be submitted, with the reason."""
        effect, payload = delivery.effect, delivery.effect.payload
        plan = await self._store.read(lambda reading: reading.plans.get(effect.plan_id))
        if isinstance(payload, FormStart) and (stage := _find_stage(plan, payload)) and not stage.form:
            reason = Message("The approval form could not be opened: {why}.", {"why": error.reason})
            await self._close_form(plan, stage, reason)


def _backoff(delivery: Delivery) -> timedelta | None:
    return back_off_forever(delivery) if delivery.attempts < _MAX_ATTEMPTS else None


def _system(channel: Channel) -> Actor:
    return Actor("system", ActorKind.SYSTEM, channel.value)


def _denial_reason(state: FormState, uncounted: Sequence[str]) -> Message:
    """Return why a form that has ended denies its plan."""
    end = state.reason or _END_REASONS[state.status]
    if state.status is FormStatus.ENDED:
        return Message("The approval form was {state}.", {"state": end})
    if uncounted:
        return Message(
            "The approval form is {state}, but these votes do not count, since they are not of known approvers: "
            "{people}.",
            {"state": end, "people": ", ".join(uncounted)},
        )
    return Message("The approval form is {state}, but without enough votes in it.", {"state": end})


def _find_stage(plan: Plan, start: FormStart) -> Stage | None:
    """Return the stage that a form is started for; None when it needs none, or another one."""
    waits = plan.status is PlanStatus.WAIT_FOR_APPROVAL and plan.approval.stage is not None
    return plan.approval.stage if waits and form_key(plan) == start.key else None


def _waits_for(plan: Plan, form: str) -> bool:
    stage = plan.approval.stage
    return plan.status is PlanStatus.WAIT_FOR_APPROVAL and stage is not None and stage.form == form


def _lines(card: Card, locale: Locale) -> Iterator[tuple[str, str]]:
    """Yield the content of a card as labels with values."""
    if card.notices:
        yield locale.text("Risks"), "\n".join(plain(notice.line) for notice in card.notices)
    for section in card.sections:
        rows = (text for row in section.rows for text in _row_lines(row))
        yield section.title or locale.text("Release content"), "\n".join(rows)
    yield locale.text("Good to know"), "\n".join(map(plain, (*card.ask[1:], *card.foot)))


def _row_lines(row: Row) -> Iterator[str]:
    """Yield the head of a row, and what stands below it."""
    head = " ".join(part for part in (row.state.mark, row.title, plain(row.line)) if part)
    if head:
        yield head
    for part in row.body:
        yield from (*part.lines, *([part.more] if part.more else [])) if isinstance(part, Excerpt) else [plain(part)]
