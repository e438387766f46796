"""What administrators are told of their own: that an outside system is told nothing any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.i18n import Locale
from bot.outbox.worker import Courier, Sent, patient
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
    """Tells every administrator in the first chat where they have an account."""

    def __init__(
        self, engine: Engine, identities: Identities, messengers: Mapping[str, Messenger],
        locale: Locale, public_url: str,
    ) -> None:  # fmt: skip
        self._engine, self._identities, self._messengers = engine, identities, messengers
        self._locale, self._public_url = locale, public_url

    @property
    def courier(self) -> Courier:
        """How `alarm` effects are delivered."""
        return Courier(self._deliver, patient)

    async def _deliver(self, delivery: Delivery) -> Sent:
        """Tell all. Raises a DeliveryError when some could not be told, who can be later."""
        failed: DeliveryError | None = None
        for person in self._engine.directory.people.values():
            if not (person.admin and person.active):
                continue
            try:
                await self._tell(person, delivery)
            except DeliveryError as error:
                log.warning("%s cannot be told: %s", person.id, error)
                failed = error if error.retryable else failed
        if failed:
            raise failed
        return Sent()

    async def _tell(self, person: Person, delivery: Delivery) -> None:
        for platform, messenger in self._messengers.items():
            if user := await self._identities.user(platform, person):
                card = self._card(delivery, Locale.of(person, self._locale.language, self._locale.timezone))
                await messenger.post(Place(user=user), card, f"{delivery.effect.id}-{person.id}")
                return
        endpoint = delivery.effect.payload_as(Alarm).endpoint
        log.warning("%s has no account in a chat to be told that %s is disabled", person.id, endpoint)

    def _card(self, delivery: Delivery, locale: Locale) -> Card:
        text, alarm = locale.text, delivery.effect.payload_as(Alarm)
        title = text("{endpoint} is told nothing any more", endpoint=alarm.endpoint)
        way_out = text("Mend it, then `replay` what could not be delivered: it is told again once that succeeds.")
        section = Section(text=f"{locale.message(alarm.reason)}\n{way_out}")
        more = Button("open", text("Open"), url=f"{self._public_url}/")
        return Card(title, title, tone=Tone.BAD, sections=(section,), more=more)
