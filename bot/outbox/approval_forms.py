"""The approval forms of stages that are decided in a vendor's own form.

Forms are submitted and withdrawn as effects. The state of a form is requested from the vendor at regular intervals, and
when the vendor reports a change. A vote in a form counts as the vote of the same person in the engine; nothing else in
the form counts. A form that ends before its stage is decided denies the plan with the reason, so that no plan waits for
ever.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.cards.plan import PlanCards
from bot.i18n import Locale
from bot.outbox.worker import Courier, Receipt, back_off_forever
from bot.people.identities import Identities
from core import commands as c
from core.approval import eligible, represented_by, votes_needed
from core.card import Card
from core.effects import FormCancel, FormStart
from core.engine import Engine
from core.errors import (
    AlreadyDecided,
    DeliveryError,
    FabuError,
    Gone,
    NotFound,
    OutdatedCard,
    UnknownPerson,
    WrongStatus,
)
from core.messages import Message
from core.people import Actor, ActorKind
from core.plan import Channel, Decision, Plan, Stage
from core.ports.approval_forms import ApprovalForms, FormOrder, FormState, FormStatus, FormVote
from core.ports.outbox import Delivery
from core.ports.paging import Page
from core.ports.plans import PlanQuery
from core.ports.store import Store
from core.status import PlanStatus

log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 20
"""With the growing delays this is about an hour: when the vendor is down for longer, the plan is denied."""
_PAGE_SIZE = 100
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
        locale: Locale, public_url: str,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._identities, self._vendors = store, engine, identities, vendors
        self._locale, self._public_url = locale, public_url

    @property
    def courier(self) -> Courier:
        """How forms are submitted and withdrawn. For a vendor that is not enabled that fails with the reason."""
        return Courier(self._deliver, _backoff, self._deny_plan)

    async def poll(self) -> None:
        """Apply the state of every form that a plan waits for."""
        async for plan, stage in self._iter_open():
            try:
                await self._apply_state(plan, stage)
            except FabuError as error:
                log.info("the approval form of plan #%s cannot be read: %s", plan.number, error)

    async def update(self, form: str) -> None:
        """Apply the state of a form whose vendor reports a change; ignore a form that no plan waits for.

        Raises a FabuError when that fails; the next poll repeats it.
        """
        async for plan, stage in self._iter_open():
            if stage.form == form:
                await self._apply_state(plan, stage)

    async def _iter_open(self) -> AsyncIterator[tuple[Plan, Stage]]:
        """Yield the plans that wait for a form, each with the stage of the form."""
        query: PlanQuery | None = PlanQuery(status=PlanStatus.WAIT_FOR_APPROVAL, limit=_PAGE_SIZE)
        while query:
            page = await self._load_page(query)
            for plan in page.items:
                stage = plan.approval.stage
                if stage and stage.form and stage.channel.is_form:
                    yield plan, stage
            query = replace(query, cursor=page.next_cursor) if page.next_cursor else None

    async def _load_page(self, query: PlanQuery) -> Page[Plan]:
        return await self._store.read(lambda reading: reading.plans.page(query))

    async def _apply_state(self, plan: Plan, stage: Stage) -> None:
        """Count the new votes of a form, then close the stage when the form has ended."""
        state = await self._vendor(stage.channel).state(stage.form)
        uncounted = []
        for vote in state.votes:
            actor = await self._find_actor(stage.channel, vote.user)
            if actor is None or not represented_by(plan, actor.id, self._engine.directory):
                uncounted.append(self._engine.directory.name(actor.id) if actor else vote.user)
                continue
            plan = await self._count_vote(plan, stage, vote, actor)
            if not _waits_for(plan, stage.form):
                return
        if state.status is not FormStatus.OPEN:
            await self._close_form(plan, stage, _denial_reason(state, uncounted))

    async def _find_actor(self, channel: Channel, user: str) -> Actor | None:
        """Return the person with a vendor's user id, as an actor; None when nobody has it."""
        try:
            person = await self._identities.person(channel.platform, user)
        except UnknownPerson:
            return None
        return self._engine.directory.actor(person.id, channel.value)

    async def _count_vote(self, plan: Plan, stage: Stage, vote: FormVote, actor: Actor) -> Plan:
        """Count a vote of a form once, if its stage still waits for votes; return the plan after it."""
        if any(actor.id in (counted.person, counted.delegate) for counted in plan.votes_of(plan.approval.current)):
            return plan
        command: c.Approve | c.Reject = c.Approve(plan_id=plan.id, comment=vote.comment, form=stage.form)
        if vote.decision is Decision.REJECT:
            command = c.Reject(plan_id=plan.id, reason=vote.comment, form=stage.form)
        key = f"form:{stage.form}:{vote.user}:{vote.decision}"
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
            case _:
                await self._start(vendor, delivery, effect.payload_as(FormStart))
        return Receipt()

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
        """Store the id of a form in its plan; withdraw the form when the plan does not wait for it any more."""
        command = c.LinkForm(plan_id=plan.id, nonce=plan.nonce, stage=plan.approval.current, form=form)
        try:
            linked = _waits_for((await self._engine.execute(command, _system(stage.channel))).plan, form)
        except (OutdatedCard, NotFound):  # the plan has a newer revision, or was deleted
            linked = False
        if not linked:
            await self._vendor(stage.channel).cancel(form)

    async def _make_order(self, plan: Plan, stage: Stage, key: str) -> FormOrder:
        """Return the form to submit. Raises DeliveryError when too few approvers have an account at the vendor."""
        directory, channel = self._engine.directory, stage.channel
        people = sorted(eligible(stage, plan.approval, plan.manager, directory))
        users = {person: await self._find_user(channel, person) for person in people}
        submitter = await self._find_user(channel, plan.manager)
        missing = [person for person, user in users.items() if not user]
        if not submitter or len(users) - len(missing) < votes_needed(stage, len(people)):
            names = ", ".join(map(directory.name, missing if submitter else [plan.manager]))
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
    """Return the stage that a form is started for; None when it is not the current stage any more."""
    current = (plan.status, plan.revision, plan.approval.current)
    requested = (PlanStatus.WAIT_FOR_APPROVAL, start.revision, start.stage)
    return plan.approval.stage if current == requested else None


def _waits_for(plan: Plan, form: str) -> bool:
    stage = plan.approval.stage
    return plan.status is PlanStatus.WAIT_FOR_APPROVAL and stage is not None and stage.form == form


def _lines(card: Card, locale: Locale) -> Iterator[tuple[str, str]]:
    """Yield the content of a card as labels with values."""
    for fact in card.facts:
        yield fact.label, fact.value
    for section in card.sections:
        rows = (" ".join(part for part in (row.mark, row.title, row.detail) if part) for row in section.rows)
        yield (
            section.heading or locale.text("Release content"),
            "\n".join(part for part in (section.text, *rows) if part),
        )
