"""Posts and updates single cards in a chat, and records where they are.

The intent to post is stored first, so that after a crash a card is posted with the same key, or found by it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core.card import Card
from core.errors import DeliveryError
from core.people import Person
from core.plan import Plan
from core.ports.cards import CardRecord
from core.ports.clock import Clock, Ids
from core.ports.messenger import Messenger, Place, Posted
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)


class CardPosting:
    """Posts and updates cards by a messenger. Raises DeliveryError when the vendor does not accept one."""

    def __init__(
        self, messenger: Messenger, store: Store, identities: Identities, clock: Clock, ids: Ids, links: CardLinks
    ) -> None:
        self._messenger, self._store, self._identities = messenger, store, identities
        self._clock, self._ids, self._links = clock, ids, links

    async def update_or_post(
        self, plan: Plan, records: Sequence[CardRecord], record: CardRecord, card: Card, person: Person | None,
        is_refusal: Callable[[DeliveryError], bool],
    ) -> CardRecord:  # fmt: skip
        """Update a card, or post it when there is none yet or the vendor no longer permits updates of it.

        `records` are those of the plan's cards. An earlier attempt may have posted the card with its content of that
        time. Then posting with the same key returns that card, and it is updated. The record of an old card is dropped
        once the new one is posted: a vendor may refuse both for the same cause.
        """
        if not record.message:
            return await self._post_or_find(plan, records, record, card, person)
        intent = find_intent(record, records)
        if await self._is_updated(plan, record, card, is_refusal):
            if intent:
                await self.drop(intent)
            return record
        intent = intent or replace(record, id=self._ids.new(), message="")
        posted = await self._post_or_find(plan, records, intent, card, person)
        await self.drop(record)
        return posted

    async def update(self, record: CardRecord, card: Card) -> bool:
        """Update a card; False when the vendor no longer permits that."""
        return await self._messenger.update(Posted(record.channel, record.message), self._signed_in(record, card))

    def _signed_in(self, record: CardRecord, card: Card) -> Card:
        """Return a card whose links sign the person in who gets it; everybody in a channel reads the same."""
        return card if record.purpose == "plan" else self._links.sign(card, record.audience, record.id)

    async def drop(self, record: CardRecord) -> None:
        """Forget a card."""
        await self._store.write(lambda writing: writing.cards.drop([record.id]))

    async def _post_or_find(
        self, plan: Plan, records: Sequence[CardRecord], record: CardRecord, card: Card, person: Person | None
    ) -> CardRecord:
        posted = await self._post(plan, record, card, person)
        if record in records:
            await self.update(posted, card)
        return posted

    async def _is_updated(
        self, plan: Plan, record: CardRecord, card: Card, is_refusal: Callable[[DeliveryError], bool]
    ) -> bool:
        """Update a card; False when the vendor refuses that. Raises DeliveryError when it may accept it later."""
        try:
            return await self.update(record, card)
        except DeliveryError as error:
            if not is_refusal(error):
                raise
            log.warning("the %s card of plan #%s is replaced: %s", record.purpose, plan.number, error)
            return False

    async def _replace_key(self, record: CardRecord) -> None:
        """Give the record of a card that was not posted another id, which is the key of the next attempt."""

        def exchange(writing: Writing) -> None:
            writing.cards.drop([record.id])
            writing.cards.put([replace(record, id=self._ids.new())])

        await self._store.write(exchange)

    async def _post(self, plan: Plan, record: CardRecord, card: Card, person: Person | None) -> CardRecord:
        """Post a card and return its record. The intent is stored first: after a crash the card is posted with its key.

        Raises DeliveryError.
        """
        await self._store.write(lambda writing: writing.cards.put([record]))
        user = await self._identities.user(self._messenger.platform, person) if person else ""
        place = Place(user=user) if person else Place(channel=record.audience)
        try:
            posted = await self._messenger.post(place, self._signed_in(record, card), record.id)
        except DeliveryError as error:
            if not error.retryable:  # DingTalk keeps a card that it could not deliver, so the key cannot be used again
                await self._replace_key(record)
            raise
        posted_record = replace(record, channel=posted.channel, message=posted.message, posted_at=self._clock.now())

        def save(writing: Writing) -> None:
            writing.cards.put([posted_record])
            if person and record.purpose == "approval":  # the vendor shows it to this person
                writing.seen.put(plan.id, person.id, record.revision, self._clock.now())

        await self._store.write(save)
        return posted_record


def find_intent(record: CardRecord, records: Sequence[CardRecord]) -> CardRecord | None:
    """Return the intent to replace a posted card that an earlier attempt has left."""
    same = (each for each in records if not each.message and identity_of(each) == identity_of(record))
    return next(same, None) if record.message else None


def identity_of(record: CardRecord) -> tuple[str, str, int, int, str]:
    """Return what distinguishes the cards of one plan in one chat."""
    return record.purpose, record.audience, record.revision, record.stage, record.item_id
