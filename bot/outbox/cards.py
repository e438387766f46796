"""Brings what a chat shows of a plan up to date: posts cards that are due, changes old ones, writes the thread.

It compares what should be shown with what was posted, so it may run as often as it likes: after a crash, an outage or
twice at once, the next run puts right what is missing. Each step is recorded before the next.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.cards.plan import PlanCards
from bot.cards.sentences import head_of_log, sentence
from bot.i18n import Locale
from bot.outbox.worker import Courier, Sent, patient, persistent
from bot.people.identities import Identities
from bot.people.sign_in_links import SENT_LIFE, SignInLinks
from core import commands as c
from core.approval import pending_voters
from core.audit import LogEntry
from core.card import Card
from core.engine import Engine
from core.errors import DeliveryError
from core.events import EVENTS, CardsRefused, Reminded, RunEnded
from core.messages import Message
from core.people import SYSTEM, Person
from core.plan import Plan
from core.ports.cards import CardRecord
from core.ports.clock import Clock, Ids
from core.ports.messenger import Messenger, Place, Posted
from core.ports.outbox import Delivery
from core.ports.store import Reading, Store, Writing
from core.status import ENDED, ItemStatus, PlanStatus

log = logging.getLogger(__name__)

_ATTEMPTS = 5
"""After so many attempts a refusal of unknown meaning is taken for one that somebody has to mend."""
_KEPT_AFTER_END = timedelta(days=14)
"""How long the cards of a plan that has ended are tried."""
_Failure = tuple[str, DeliveryError]
"""Whom a card is for, and why it was not posted or updated."""


@dataclass(frozen=True, slots=True)
class _View:
    """A plan with everything that its cards are made from. `unplaced` are people whose chat cannot be found out now."""

    plan: Plan
    records: Sequence[CardRecord]
    entries: Sequence[LogEntry]
    unplaced: dict[str, DeliveryError] = field(default_factory=dict)


class CardSync:
    """Keeps the cards of one chat. `channel` is where plan cards go; empty for none."""

    def __init__(
        self, messenger: Messenger, channel: str, store: Store, engine: Engine, identities: Identities,
        clock: Clock, ids: Ids, locale: Locale, public_url: str, chats: Sequence[str],
    ) -> None:  # fmt: skip
        self._messenger, self._channel, self._store, self._engine = messenger, channel, store, engine
        self._identities, self._clock, self._ids = identities, clock, ids
        self._locale, self._public_url, self._chats = locale, public_url, chats
        self._links = SignInLinks(store, clock, ids, public_url)

    @property
    def courier(self) -> Courier:
        """How the cards of this chat are delivered."""
        return Courier(self._deliver, patient, after_refusal=persistent)

    async def _deliver(self, delivery: Delivery) -> Sent:
        """Bring one plan up to date. Raises a DeliveryError, after all that can be done, when something is left."""
        platform = self._messenger.platform

        def load(reading: Reading) -> _View:
            records = reading.cards.of_plan(delivery.effect.plan_id, platform)
            plan = reading.plans.get(delivery.effect.plan_id, whole=True)
            return _View(plan, records, reading.log.of_plan(plan.id, min((r.log_seq for r in records), default=0)))

        view = await self._store.read(load)
        wanted = await self._wanted(view)
        asking = {record.id for record in wanted}
        kept = asking | {record.id for record in view.records if record.audience in view.unplaced}
        failures = list(view.unplaced.items())
        for record in [*wanted, *(record for record in view.records if record.id not in kept)]:
            try:
                await self._show(view, record, wanted=record.id in asking)
            except DeliveryError as error:
                log.warning("card %s of plan #%s: %s", record.purpose, view.plan.number, error)
                failures.append((record.audience, error))
        await self._report_refusals(view, delivery, failures)
        if failures and not self._has_expired(view.plan, delivery):
            raise _combine(failures)
        return Sent()

    async def _report_refusals(self, view: _View, delivery: Delivery, failures: Sequence[_Failure]) -> None:
        """Log whom this chat refuses cards, and thereby notify the manager and the administrators.

        Once: the entries of the log that a card has not shown yet tell what was reported since it failed first.
        """
        chat = self._messenger.platform
        reported = {who for entry in view.entries for who in _refused_to(entry, chat)}
        refused = {who: error for who, error in failures if who not in reported and _is_refusal(error, delivery)}
        if refused:
            recipients = tuple(sorted(refused))
            reason = refused[recipients[0]].reason
            note = c.NoteCardsRefused(plan_id=view.plan.id, chat=chat, recipients=recipients, reason=reason)
            await self._engine.execute(note, SYSTEM)

    def _has_expired(self, plan: Plan, delivery: Delivery) -> bool:
        """Return whether a plan has ended, and its cards were tried for so long that nobody expects them any more."""
        since = delivery.created_at
        return plan.status in ENDED and since is not None and self._clock.now() - since > _KEPT_AFTER_END

    async def _wanted(self, view: _View) -> list[CardRecord]:
        """Return the cards that ought to be there: those that are, and new records for those that are not."""
        plan, known = view.plan, {_identity(record): record for record in view.records}
        blank = CardRecord("", plan.id, self._messenger.platform, "plan", self._channel, log_seq=plan.log_seq)
        wanted = []
        if self._channel and (plan.status is not PlanStatus.PLANNING or plan.revision > 1 or _identity(blank) in known):
            wanted.append(replace(blank, log_seq=0))
        now = replace(blank, revision=plan.revision)
        asked = [
            replace(now, purpose="approval", audience=who, stage=plan.approval.current)
            for who in await self._asked(view)
        ]
        items = [replace(now, purpose="item", audience=who, item_id=item) for who, item in await self._assigned(view)]
        wanted += asked + items
        return [known.get(_identity(record)) or replace(record, id=self._ids.new()) for record in wanted]

    async def _asked(self, view: _View) -> list[str]:
        """Return who has yet to vote and is asked here: in the stage's chat, or the first that has their account."""
        plan = view.plan
        stage = plan.approval.stage
        if stage is None or stage.channel.is_form:
            return []
        people = sorted(pending_voters(plan, self._engine.directory))
        return [person for person in people if await self._here(view, person, stage.channel.platform)]

    async def _assigned(self, view: _View) -> list[tuple[str, str]]:
        """Return assignees with the items that they can do now."""
        plan = view.plan
        if plan.status is not PlanStatus.EXECUTING or not plan.window_open:
            return []
        ready = [
            item
            for item in plan.items.values()
            if item.assignee and item.status in (ItemStatus.TODO, ItemStatus.FAILED) and not plan.blockers(item)
        ]
        return [(item.assignee, item.id) for item in ready if await self._here(view, item.assignee, "")]

    async def _here(self, view: _View, person_id: str, preferred: str) -> bool:
        """Tell whether this chat is the first, of those that are enabled, where the person has an account.

        While a chat before it is away this cannot be told. A chat that refuses to look people up is passed over; what
        it refuses is a failure of the chat itself when no other chat has an account either.
        """
        person = self._engine.directory.people.get(person_id)
        if person is None or not person.active:
            return False
        refused: DeliveryError | None = None
        for chat in sorted(self._chats, key=lambda chat: chat != preferred):
            try:
                if await self._identities.user(chat, person):
                    return chat == self._messenger.platform
            except DeliveryError as error:
                log.warning("it cannot be found out whether %s has an account: %s", person_id, error)
                if error.retryable:
                    view.unplaced[person_id] = error
                    return False
                refused = error if chat == self._messenger.platform else refused
        if refused:
            view.unplaced[person_id] = refused
        return False

    async def _show(self, view: _View, record: CardRecord, *, wanted: bool) -> None:
        """Post, change or forget one card. One that is wanted no more loses its buttons, and is kept to the end."""
        plan = view.plan
        if record.message and record.version == plan.version:
            return
        if not record.message and not wanted:
            await self._forget(record)
            return
        person = self._engine.directory.people.get(record.audience) if record.purpose != "plan" else None
        locale = Locale.of(person, self._locale.language, self._locale.timezone)
        card = self._card(view, record, locale)
        if wanted:
            record = await self._shown(view, record, card, person)
            record = await self._write_thread(view, record, locale)
        elif _concerns(record, view.entries) and not await self._update(record, card.without_buttons()):
            await self._forget(record)
            return
        record = replace(record, version=plan.version, log_seq=max(record.log_seq, plan.log_seq))
        over = not wanted and plan.status in ENDED
        await (self._forget(record) if over else self._store.write(lambda writing: writing.cards.put([record])))

    async def _shown(self, view: _View, record: CardRecord, card: Card, person: Person | None) -> CardRecord:
        """Change a card, or post it: for the first time, or anew where the vendor no longer lets it change.

        One that was tried to post before may be there already, as it was then: the key finds it, and it is changed.
        """
        if record.message:
            if await self._update(record, card):
                return record
            await self._forget(record)
            record = replace(record, id=self._ids.new(), message="")
        posted = await self._post(view.plan, record, card, person)
        if record in view.records:
            await self._update(posted, card)
        return posted

    async def _update(self, record: CardRecord, card: Card) -> bool:
        return await self._messenger.update(Posted(record.channel, record.message), card)

    async def _forget(self, record: CardRecord) -> None:
        await self._store.write(lambda writing: writing.cards.drop([record.id]))

    async def _rename(self, record: CardRecord) -> None:
        """Give a card that is not there another key."""

        def rename(writing: Writing) -> None:
            writing.cards.drop([record.id])
            writing.cards.put([replace(record, id=self._ids.new())])

        await self._store.write(rename)

    async def _post(self, plan: Plan, record: CardRecord, card: Card, person: Person | None) -> CardRecord:
        """Post a card, its intent first: after a crash in between the same key finds it where the vendor can tell."""
        await self._store.write(lambda writing: writing.cards.put([record]))
        user = await self._identities.user(self._messenger.platform, person) if person else ""
        place = Place(user=user) if person else Place(channel=record.audience)
        if person and card.more and not self._messenger.buttons:
            link = await self._links.make(person.id, SENT_LIFE, plan=plan.number)
            card = replace(card, more=replace(card.more, url=link))
        try:
            posted = await self._messenger.post(place, card, record.id)
        except DeliveryError as error:
            if not error.retryable:  # the key may be used up: DingTalk keeps a card that it could not deliver
                await self._rename(record)
            raise
        done = replace(record, channel=posted.channel, message=posted.message, posted_at=self._clock.now())
        await self._store.write(lambda writing: writing.cards.put([done]))
        return done

    async def _write_thread(self, view: _View, record: CardRecord, locale: Locale) -> CardRecord:
        """Write what happened below the channel's card, and below the cards of people what should call them back."""
        new = [entry for entry in view.entries if entry.seq > record.log_seq]
        match record.purpose:
            case "plan":
                told = [entry for entry in new if EVENTS[entry.event].in_thread]
            case "approval":
                told = [entry for entry in new if entry.event == Reminded.name][-1:]
            case _:
                told = [entry for entry in new if _failed(entry, record.item_id)][-1:]
        if told:
            about = [] if self._messenger.threads else [f"#{view.plan.number} {view.plan.name}"]
            lines = [*about, *(sentence(entry, view.plan, locale, self._engine.directory) for entry in told)]
            if record.purpose == "plan" and view.plan.status in ENDED:
                lines.append(head_of_log(view.plan, locale))
            place = Posted(record.channel, record.message)
            await self._messenger.say(place, "\n".join(lines), f"{record.id}-{told[-1].seq}")
        return replace(record, log_seq=new[-1].seq if new else record.log_seq)

    def _card(self, view: _View, record: CardRecord, locale: Locale) -> Card:
        cards = PlanCards(locale, self._engine.directory, self._public_url)
        match record.purpose:
            case "approval":
                return cards.approval(view.plan)
            case "item" if record.item_id in view.plan.items:
                return cards.item(view.plan, record.item_id)
            case _:
                return cards.plan(view.plan)


def _concerns(record: CardRecord, entries: Sequence[LogEntry]) -> bool:
    """Tell whether something has happened that a card has to show which asks for nothing any more."""
    new = [entry for entry in entries if entry.seq > record.log_seq]
    return any(
        EVENTS[entry.event].changes_closed_cards or entry.details.get("item_id") == record.item_id for entry in new
    )


def _refused_to(entry: LogEntry, chat: str) -> Sequence[str]:
    """Return to whom a chat refused cards, as far as an entry says so."""
    is_about_chat = entry.event == CardsRefused.name and entry.details["chat"] == chat
    return entry.details["recipients"] if is_about_chat else ()


def _is_refusal(error: DeliveryError, delivery: Delivery) -> bool:
    """Return whether somebody has to mend the cause of an error; one that is not known is given a few attempts."""
    return not error.retryable or (not error.known and delivery.attempts >= _ATTEMPTS)


def _combine(failures: Sequence[_Failure]) -> DeliveryError:
    """Return one error for all cards that failed, with whom they were for. It is retryable if one of them is."""
    errors = [error for _, error in failures]
    reasons = [Message("{who}: {what}", {"who": who, "what": error.as_message()}) for who, error in failures]
    return DeliveryError(
        str(errors[0].params["system"]),
        Message.joined("; ", reasons),
        retryable=any(error.retryable for error in errors),
        retry_after=max((error.retry_after or 0.0 for error in errors), default=None),
    )


def _failed(entry: LogEntry, item_id: str) -> bool:
    """Tell whether an entry says how the workflow of an item ended; a card that is wanted afterwards means: badly."""
    return entry.event == RunEnded.name and entry.details.get("item_id") == item_id


def _identity(record: CardRecord) -> tuple[str, str, int, int, str]:
    return record.purpose, record.audience, record.revision, record.stage, record.item_id
