"""Alarms: administrators are notified in their chats when an endpoint of hooks is disabled."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.i18n import Locale
from bot.outbox.worker import Courier, Receipt, back_off_forever
from bot.people.identities import Identities
from core.card import Button, Card, Section, Tone
from core.effects import Alarm
from core.engine import Engine
from core.errors import DeliveryError
from core.people import Person
from core.ports.messenger import Messenger, Place
from core.ports.outbox import Delivery

log = logging.getLogger(__name__)


class Alarms:
    """Notifies every administrator in the first chat where they have an account."""

    def __init__(
        self, engine: Engine, identities: Identities, messengers: Mapping[str, Messenger],
        locale: Locale, public_url: str,
    ) -> None:  # fmt: skip
        self._engine, self._identities, self._messengers = engine, identities, messengers
        self._locale, self._public_url = locale, public_url

    @property
    def courier(self) -> Courier:
        """How `alarm` effects are delivered."""
        return Courier(self._deliver, back_off_forever)

    async def _deliver(self, delivery: Delivery) -> Receipt:
        """Notify all administrators. Raises a DeliveryError when that failed for some and may be retried."""
        failure: DeliveryError | None = None
        for person in self._engine.directory.people.values():
            if not (person.admin and person.active):
                continue
            try:
                await self._notify(person, delivery)
            except DeliveryError as error:
                log.warning("administrator %s cannot be notified: %s", person.id, error)
                failure = error if error.retryable else failure
        if failure:
            raise failure
        return Receipt()

    async def _notify(self, person: Person, delivery: Delivery) -> None:
        for platform, messenger in self._messengers.items():
            if user := await self._identities.user(platform, person):
                card = self._make_card(delivery, Locale.of(person, self._locale.language, self._locale.timezone))
                await messenger.post(Place(user=user), card, f"{delivery.effect.id}-{person.id}")
                return
        endpoint = delivery.effect.payload_as(Alarm).endpoint
        log.warning("administrator %s has no account in a chat to be notified that %s is disabled", person.id, endpoint)

    def _make_card(self, delivery: Delivery, locale: Locale) -> Card:
        text, alarm = locale.text, delivery.effect.payload_as(Alarm)
        title = text("{endpoint} is told nothing any more", endpoint=alarm.endpoint)
        remedy = text("Mend it, then `replay` what could not be delivered: it is told again once that succeeds.")
        section = Section(text=f"{locale.message(alarm.reason)}\n{remedy}")
        more = Button("open", text("Open"), url=f"{self._public_url}/")
        return Card(title, title, tone=Tone.BAD, sections=(section,), more=more)
