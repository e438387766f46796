"""The digests: for each person one message in a chat that lists what waits for them, over all plans.

A change of a plan adds an effect for each person whose digest it changes. The effects of one person are delivered one
after the other, and coalesce, so that neither a command that concerns many items nor a second replica sends a second
message. The message is updated in silence; a new one is posted when something new waits for the person, unless one was
posted just before. Each step is recorded before the next begins, as for the cards of a plan (`bot.outbox.cards`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.cards.digest import DigestCards, Entry, load_entries, summarize_parts
from bot.i18n import Locale
from bot.outbox.refusals import is_refusal
from bot.outbox.worker import Courier, Receipt, back_off_forever, persistent
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core import commands as c
from core.card import Card, Weight
from core.effects import Destination, DestinationKind, Effect, Sync
from core.engine import Engine
from core.errors import DeliveryError
from core.people import Person
from core.plan import Plan
from core.ports.clock import Clock, Ids
from core.ports.digests import DigestRecord
from core.ports.messenger import Messenger, Place, Posted
from core.ports.outbox import Delivery
from core.ports.store import Reading, Store, Writing

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=60)
"""How long after a message no other one is sent to a person."""


def digest_effect(ids: Ids, person: str, due_at: datetime | None = None) -> Effect:
    """Return the effect that updates the digest of a person. It belongs to no plan, so all of one person coalesce."""
    return Effect(ids.new(), "", Destination(DestinationKind.DIGESTS, person), Sync(), due_at)


@dataclass(frozen=True, slots=True)
class _State:
    """A person with the chat of their digest, the records of their digests, and what waits for them.

    `chat` is empty for somebody who gets no digest. `refusal` is why that chat does not look the person up. `attempt`
    counts the attempts since the last success, the present one included.
    """

    person: Person
    chat: str
    records: Sequence[DigestRecord]
    entries: Sequence[Entry]
    attempt: int
    refusal: DeliveryError | None = None

    @property
    def now(self) -> list[Entry]:
        """What the person can do now."""
        return [entry for entry in self.entries if entry.weight is not Weight.LATER]

    @property
    def present(self) -> list[DigestRecord]:
        """The records of the chat that nothing replaces: a message, then the intent to post one, if they exist."""
        return [record for record in self.records if record.platform == self.chat and not record.moved]

    @property
    def others(self) -> list[DigestRecord]:
        """The records of messages that a newer one replaces, and of those in another chat."""
        return [record for record in self.records if record.platform != self.chat or record.moved]


class Digests:
    """Keeps the digests of all people up to date, each in the first chat where the person has an account."""

    def __init__(
        self, store: Store, engine: Engine, identities: Identities, messengers: Mapping[str, Messenger],
        clock: Clock, ids: Ids, locale: Locale, links: CardLinks,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._identities, self._messengers = store, engine, identities, messengers
        self._clock, self._ids, self._locale, self._links = clock, ids, locale, links

    @property
    def courier(self) -> Courier:
        """How digests are delivered."""
        return Courier(self._deliver, back_off_forever, after_refusal=persistent)

    async def poll(self) -> None:
        """Close the digests of people who have left."""
        known = await self._store.read(lambda reading: reading.digests.people())
        if left := [person for person in sorted(known) if not self._engine.directory.active(person)]:
            effects = [digest_effect(self._ids, person) for person in left]
            await self._store.write(lambda writing: writing.outbox.add(effects))

    async def _deliver(self, delivery: Delivery) -> Receipt:
        """Update the digest of one person, or add an effect for each person whose digest a plan has changed."""
        person_id, plan_id = delivery.effect.destination.name, delivery.effect.plan_id
        if not person_id:
            await self._add_for_each(plan_id)
            return Receipt()
        state = await self._load(person_id, delivery.attempts)
        await self._close(state, state.others)
        if state.refusal:
            await self._note_refusal(state, state.refusal)
            raise state.refusal
        if state.chat:
            await self._bring_up_to_date(state)
        else:
            await self._store.write(lambda writing: writing.digests.forget_parts(person_id))
        return Receipt()

    async def _add_for_each(self, plan_id: str) -> None:
        """Add an effect for each person for whom something else waits in a plan than their digest knows."""

        def read(reading: Reading) -> tuple[Plan, Mapping[str, str]]:
            return reading.plans.get(plan_id), reading.digests.parts(plan_id)

        plan, known = await self._store.read(read)
        parts = summarize_parts(plan, self._engine.directory)
        changed = sorted(person for person in {*known, *parts} if known.get(person) != parts.get(person))
        if not changed:
            return

        def add(writing: Writing) -> None:
            writing.digests.set_parts(plan_id, parts)
            writing.outbox.add([digest_effect(self._ids, person) for person in changed])

        await self._store.write(add)

    async def _load(self, person_id: str, attempt: int) -> _State:
        directory = self._engine.directory
        person = directory.people.get(person_id)
        chat, refusal = await self._find_chat(person) if person and person.active else ("", None)

        def read(reading: Reading) -> tuple[list[DigestRecord], list[Entry]]:
            return reading.digests.of_person(person_id), load_entries(reading, person_id, directory) if chat else []

        records, entries = await self._store.read(read)
        return _State(person or Person(person_id, person_id), chat, records, entries, attempt, refusal)

    async def _find_chat(self, person: Person) -> tuple[str, DeliveryError | None]:
        """Return the first chat where a person has an account; empty when there is none.

        When no chat has an account, but one refuses to look people up, it is that chat, with the refusal. Raises the
        DeliveryError of a lookup that may succeed later.
        """
        refused: tuple[str, DeliveryError | None] = "", None
        for chat in self._messengers:
            try:
                if await self._identities.user(chat, person):
                    return chat, None
            except DeliveryError as error:
                if error.retryable:
                    raise
                refused = refused if refused[0] else (chat, error)
        return refused

    async def _close(self, state: _State, records: Sequence[DigestRecord]) -> None:
        """Let messages say that they are replaced, and drop their records.

        A message that its chat does not update any more is left as it is.
        """
        cards = self._cards(state.person)
        card = cards.moved() if state.chat else cards.digest([])
        for record in records:
            messenger = self._messengers.get(record.platform)
            if record.message and messenger and messenger.buttons:
                try:
                    place = Posted(record.channel, record.message)
                    await messenger.update(place, self._signed_in(record, card))
                except DeliveryError as error:
                    if not is_refusal(error, state.attempt):
                        raise
                    log.warning("a former digest of %s stays as it is: %s", record.person, error)
            await self._drop(record)

    async def _bring_up_to_date(self, state: _State) -> None:
        """Post a digest, update it, or post a new one below it."""
        record = state.present[-1] if state.present else None
        if record is None or not record.message:
            if state.now:
                await self._post(state, record)
            elif record:
                await self._drop(record)
                await self._bring_up_to_date(replace(state, records=state.present[:-1]))
        elif self._has_news(state, record) and self._pause_left(record) <= timedelta():
            await self._post(state, None)
        elif self._messengers[state.chat].buttons:
            await self._update(state, record)
        else:
            await self._say(state, record)

    def _has_news(self, state: _State, record: DigestRecord) -> bool:
        """Return whether something waits that a message does not show. A failure has a message of its own."""
        return any(entry.key not in record.shown and entry.weight is not Weight.BAD for entry in state.now)

    def _pause_left(self, record: DigestRecord) -> timedelta:
        """Return what is left of the pause since a message; all of it if the clock was set back since."""
        return min(PAUSE, record.posted_at + PAUSE - self._clock.now()) if record.posted_at else timedelta()

    async def _update(self, state: _State, record: DigestRecord) -> None:
        """Update a message in silence; post it anew where its chat does not update it any more."""
        card = self._make_card(state)
        if record.content == _content_of(card):
            return
        try:
            updated = await self._messengers[state.chat].update(
                Posted(record.channel, record.message), self._signed_in(record, card)
            )
        except DeliveryError as error:
            if not is_refusal(error, state.attempt):
                raise
            log.warning("the digest of %s is replaced: %s", record.person, error)
            updated = False
        if updated:
            await self._put(_showing(record, card, state))
        else:
            if state.now:
                await self._post(state, None, closing=False)
            await self._drop(record)

    async def _say(self, state: _State, record: DigestRecord) -> None:
        """Send a line about what has changed since a message that cannot be updated, after a pause."""
        card, pause = self._make_card(state), self._pause_left(record)
        if record.shown == _keys_of(state) and record.content == _content_of(card):
            return
        if pause > timedelta():
            later = digest_effect(self._ids, record.person, self._clock.now() + pause)
            await self._store.write(lambda writing: writing.outbox.add([later]))
            return
        sent = _showing(replace(record, posted_at=self._clock.now()), card, state)
        place = Posted(record.channel, record.message)
        await self._messengers[state.chat].say(place, card.summary, f"{record.id}-{sent.content[:16]}")
        await self._put(sent)

    async def _post(self, state: _State, intent: DigestRecord | None, *, closing: bool = True) -> None:
        """Post a message; if `closing`, let the present one say then that it is replaced.

        The intent is stored first: after a crash the message is posted with the same key, and updated.
        """
        messenger, person = self._messengers[state.chat], state.person
        card = self._make_card(state)
        record = intent or self._new_record(state)
        await self._put(record)
        try:
            user = await self._identities.user(state.chat, person)
            posted = await messenger.post(Place(user=user), self._signed_in(record, card), record.id)
            if intent and messenger.buttons:  # an earlier attempt may have posted what waited then
                await messenger.update(posted, self._signed_in(record, card))
        except DeliveryError as error:
            await self._note_refusal(replace(state, records=[*state.records, record]), error)
            raise
        sent = replace(record, channel=posted.channel, message=posted.message, posted_at=self._clock.now())
        replaced = [replace(each, moved=True) for each in state.present if each.message]

        def save(writing: Writing) -> None:
            for each in (*replaced, _showing(sent, card, state)):
                writing.digests.put(each)

        await self._store.write(save)
        if closing:
            await self._close(state, replaced)

    async def _note_refusal(self, state: _State, error: DeliveryError) -> None:
        """Report once to the managers and the administrators whom a chat refuses the digest.

        The next attempt has another key: DingTalk keeps a card that it could not deliver.
        """
        if not is_refusal(error, state.attempt):
            return
        [record, *_] = [each for each in state.present if not each.message] or [self._new_record(state)]
        plans = [] if record.refused else {entry.plan.id for entry in state.now}
        notes = [
            c.NoteCardsRefused(plan_id=plan_id, chat=state.chat, recipients=(record.person,), reason=error.reason)
            for plan_id in sorted(plans)
        ]
        next_attempt = replace(record, id=record.id if error.retryable else self._ids.new(), refused=True)

        def save(writing: Writing) -> Sequence[str]:
            changed = self._engine.note(writing, notes)
            writing.digests.drop([record.id])
            writing.digests.put(next_attempt)
            return changed

        self._engine.notify_listeners(await self._store.write(save))

    def _new_record(self, state: _State) -> DigestRecord:
        return DigestRecord(self._ids.new(), state.person.id, state.chat)

    def _signed_in(self, record: DigestRecord, card: Card) -> Card:
        """Return a card whose links sign its reader in."""
        return self._links.sign(card, record.person, record.id)

    def _make_card(self, state: _State) -> Card:
        return self._cards(state.person).digest(state.entries, lasting=self._messengers[state.chat].buttons)

    def _cards(self, person: Person) -> DigestCards:
        locale = Locale.of(person, self._locale.language, self._locale.timezone)
        return DigestCards(locale, self._engine.directory, self._links.public_url)

    async def _put(self, record: DigestRecord) -> None:
        await self._store.write(lambda writing: writing.digests.put(record))

    async def _drop(self, record: DigestRecord) -> None:
        await self._store.write(lambda writing: writing.digests.drop([record.id]))


def _showing(record: DigestRecord, card: Card, state: _State) -> DigestRecord:
    """Return the record of a message that shows a card."""
    return replace(record, content=_content_of(card), shown=_keys_of(state), refused=False)


def _keys_of(state: _State) -> frozenset[str]:
    return frozenset(entry.key for entry in state.now)


def _content_of(card: Card) -> str:
    return sha256(repr(card).encode()).hexdigest()
