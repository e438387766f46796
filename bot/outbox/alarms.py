"""Alarms: messages to administrators, and to the manager of a plan, about deliveries that do not get through."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from bot.cards.buttons import link_to
from bot.cards.plan import PlanCards
from bot.cards.refs import View, mark_reply
from bot.cards.states import MARKS
from bot.i18n import Locale
from bot.outbox.worker import Courier, Receipt, back_off_forever, persistent
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core.card import Button, Card, State, Tone, line
from core.effects import Alarm, ContentMismatch, Destination, DestinationKind, Effect, FormReverted, Undelivered
from core.engine import Engine
from core.errors import Conflict, DeliveryError
from core.messages import Message
from core.people import Person
from core.plan import Channel, Plan
from core.ports.messenger import Messenger, Place
from core.ports.outbox import Delivery, DeliveryState
from core.ports.paging import read_all
from core.ports.store import Reading, Store

log = logging.getLogger(__name__)


class Alarms:
    """Sends each alarm once to everybody whom it concerns, in the first chat that takes it."""

    def __init__(
        self, store: Store, engine: Engine, identities: Identities, messengers: Mapping[str, Messenger],
        locale: Locale, links: CardLinks,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._identities, self._messengers = store, engine, identities, messengers
        self._locale, self._links, self._public_url = locale, links, links.public_url

    @property
    def courier(self) -> Courier:
        """How alarms are delivered."""
        return Courier(self._deliver, back_off_forever, after_refusal=persistent)

    async def _deliver(self, delivery: Delivery) -> Receipt:
        """Send an alarm to the person that its destination names, or add an alarm for each person."""
        effect = delivery.effect
        if not effect.destination.name:
            await self._add_for_each(effect)
        elif self._engine.directory.active(effect.destination.name):  # and has not left since
            await self._send(self._engine.directory.people[effect.destination.name], effect)
        return Receipt()

    async def _add_for_each(self, effect: Effect) -> None:
        """Add an alarm for each person, each with attempts of its own, so that nobody gets it twice."""
        alarms = [
            Effect(f"{effect.id}-{person}", effect.plan_id, Destination(DestinationKind.ADMINS, person), effect.payload)
            for person in self._recipients(effect)
        ]
        with suppress(Conflict):  # an attempt that was interrupted has added them
            await self._store.write(lambda writing: writing.outbox.add(alarms))

    def _recipients(self, effect: Effect) -> Iterable[str]:
        people = self._engine.directory.people
        manager = effect.payload.manager if isinstance(effect.payload, Undelivered | FormReverted) else ""
        return [one.id for one in people.values() if one.active and (one.admin or one.id == manager)]

    async def _send(self, person: Person, effect: Effect) -> None:
        """Send an alarm in the first chat that takes it, unless its cause is over.

        Raises the DeliveryError of the first chat where the person has an account when no chat takes it.
        """
        card = await self._card(effect, Locale.of(person, self._locale.language, self._locale.timezone))
        if card is None:
            return
        failed: DeliveryError | None = None
        for platform, messenger in self._messengers.items():
            try:
                if user := await self._identities.user(platform, person):
                    await messenger.post(Place(user=user), self._links.sign(card, person.id, effect.id), effect.id)
                    return
            except DeliveryError as error:
                if error.limited:  # this chat works
                    raise
                log.warning("%s does not get an alarm in %s: %s", person.id, platform, error)
                failed = failed or error
        if failed:
            raise failed
        log.warning("%s has no account in a chat to get the alarm: %s", person.id, effect.payload)

    async def _card(self, effect: Effect, locale: Locale) -> Card | None:
        """Return the card of an alarm; None when its cause is over."""
        match effect.payload:
            case Alarm(endpoint, reason):
                return _disabled(endpoint, reason, self._public_url, locale)
            case Undelivered(chat, recipients, _, reason):
                plan = await self._store.read(
                    lambda reading: plan_to_deliver(reading, effect.plan_id, chat, recipients)
                )
                names = self._engine.directory.names(recipients)
                return _undelivered(plan, chat, names, reason, self._public_url, locale) if plan else None
            case ContentMismatch(item_id):
                plan = await self._store.read(lambda reading: reading.plans.get(effect.plan_id))
                return _mismatched(plan, item_id, self._public_url, locale)
            case FormReverted(stage, revision):
                plan = await self._store.read(lambda reading: reading.plans.get(effect.plan_id))
                is_void = plan.revision == revision and plan.approval.stages[stage] in plan.reverted_stages
                notice = PlanCards(locale, self._engine.directory, self._public_url).notice(plan)
                return mark_reply(notice, View.PLAN) if is_void else None
            case _:
                raise TypeError(f"{effect.payload} is no alarm")


def plan_to_deliver(reading: Reading, plan_id: str, chat: str, recipients: Iterable[str] = ()) -> Plan | None:
    """Return a plan whose cards a chat has still to take, or the digests of people; None when all were delivered."""
    digests = (record for person in recipients for record in reading.digests.of_person(person))
    if any(record.refused and record.platform == chat for record in digests):
        return reading.plans.get(plan_id)
    destination = Destination(DestinationKind.CHAT, chat)
    states = (DeliveryState.PENDING, DeliveryState.SENDING)
    is_open = any(
        delivery.effect.destination == destination
        for state in states
        for delivery in read_all(partial(reading.deliveries.page, plan_id, state))
    )
    return reading.plans.get(plan_id) if is_open else None


def _disabled(endpoint: str, reason: Message, public_url: str, locale: Locale) -> Card:
    title = locale.text("{endpoint} is told nothing any more", endpoint=endpoint)
    way_out = locale.text("Mend it, then `replay` what could not be delivered: it is told again once that succeeds.")
    return _alarm(title, reason, way_out, link_to(locale.text("Open"), public_url), locale)


def _undelivered(plan: Plan, chat: str, names: str, reason: Message, public_url: str, locale: Locale) -> Card:
    title = locale.text(
        "#{number} {name}: {chat} refuses the cards to {recipients}",
        number=plan.number, name=plan.name, chat=Channel(chat), recipients=names,
    )  # fmt: skip
    way_out = locale.text("Mend the cause: until then the cards are sent again by themselves, at growing intervals.")
    return _alarm(title, reason, way_out, link_to(locale.text("Open"), public_url, plan), locale)


def _mismatched(plan: Plan, item_id: str, public_url: str, locale: Locale) -> Card:
    title = locale.text("#{number} {name}: what is stored is not what was approved", number=plan.number, name=plan.name)
    item = plan.items.get(item_id)
    reason = item.run.message if item and item.run else Message("nothing was started")
    way_out = locale.text(
        "Somebody may have changed the database. Run `fabu audit verify`, and compare with a backup, before you replan."
    )
    return _alarm(title, reason, way_out, link_to(locale.text("Open"), public_url, plan), locale)


def _alarm(title: str, reason: Message, way_out: str, more: Button, locale: Locale) -> Card:
    state = State(Tone.BAD, MARKS[Tone.BAD], locale.text("alarm"))
    return Card(title, title, state, (line(locale.message(reason)), line(way_out)), more=more)
