"""The cards of a plan in a chat, kept up to date: new cards are posted, old ones updated, events added to the thread.

Every run compares the cards that the plan needs with the records of those that were posted. So it may run any number of
times: after a crash or an outage, or twice at the same time, the next run does what is missing. Each step is recorded
before the next begins.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.cards.naming import title_of
from bot.cards.plan import PlanCards
from bot.cards.refs import View, mark_reply
from bot.cards.sentences import render_entry, render_log_head
from bot.i18n import Locale
from bot.outbox.holds import Holds
from bot.outbox.notices import ITEM_CARD, is_notice, list_notices
from bot.outbox.posting import CardPosting, find_intent, identity_of
from bot.outbox.reminders import is_reminder, quiet_until, reminder_of
from bot.outbox.threads import ends_plan, list_mentioned, list_new, list_thread
from bot.outbox.unreached import list_unreached, refused_to
from bot.outbox.worker import Courier, Deferred, Receipt, back_off_forever, persistent
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core import commands as c
from core.approval import pending_voters
from core.audit import LogEntry
from core.card import Card
from core.engine import Engine
from core.errors import DeliveryError
from core.events import EVENTS
from core.people import SYSTEM, Person
from core.plan import Plan
from core.ports.cards import CardRecord
from core.ports.clock import Clock, Ids
from core.ports.messenger import Messenger, Posted
from core.ports.outbox import Delivery
from core.ports.store import Reading, Store
from core.revisions import Since, compare_for_readers
from core.status import ENDED, PlanStatus

log = logging.getLogger(__name__)

_KEPT_AFTER_END = timedelta(days=14)
"""How long the cards of a plan that has ended are tried."""
PAUSES: Final = {0: timedelta(seconds=2), 61: timedelta(seconds=5)}
"""How long the cards of a plan under way rest after an update, by the least number of its items."""
_LONGEST_PAUSE = max(PAUSES.values())


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A plan with the records of its cards, and the log entries since the oldest of them.

    `holds` are the cards and the receivers that wait, with the people who cannot be looked up now. `since` is what has
    changed, for each person who votes, since the revision that they were shown before. `unreached` are those to whom
    the chat refused the card that asks for their vote.
    """

    plan: Plan
    records: Sequence[CardRecord]
    entries: Sequence[LogEntry]
    holds: Holds
    since: Mapping[str, Since]
    unreached: frozenset[str]


class CardSync:
    """Keeps the cards of one chat up to date. `channel` is where plan cards are posted; empty for nowhere.

    `chats` are all chats that are enabled, in the order in which people are looked up.
    """

    def __init__(
        self, messenger: Messenger, channel: str, store: Store, engine: Engine, identities: Identities,
        clock: Clock, ids: Ids, locale: Locale, links: CardLinks, chats: Sequence[str],
    ) -> None:  # fmt: skip
        self._messenger, self._channel, self._store, self._engine = messenger, channel, store, engine
        self._identities, self._clock, self._ids = identities, clock, ids
        self._locale, self._public_url, self._chats = locale, links.public_url, chats
        self._resting: dict[str, datetime] = {}
        self._posting = CardPosting(messenger, store, identities, clock, ids, links)

    @property
    def courier(self) -> Courier:
        """How the cards of this chat are delivered."""
        return Courier(self._deliver, back_off_forever, after_refusal=persistent)

    async def _deliver(self, delivery: Delivery) -> Receipt | Deferred:
        """Update the cards of one plan, first that in the channel. Return which have to wait."""
        platform, plan_id = self._messenger.platform, delivery.effect.plan_id
        rest_until, now = self._resting.pop(plan_id, None), self._clock.now()
        if rest_until and now < rest_until <= now + _LONGEST_PAUSE:  # the clock may have been set back
            self._resting[plan_id] = rest_until
            return Deferred(rest_until, delivery.holds)

        def load(reading: Reading) -> _Snapshot:
            records = reading.cards.of_plan(plan_id, platform)
            plan = reading.plans.get(plan_id, whole=True)
            entries = reading.log.of_plan(plan.id, min((record.log_seq for record in records), default=0))
            holds = Holds(delivery, plan.version, self._clock)
            unreached = list_unreached(reading, plan, platform, records)
            return _Snapshot(plan, records, entries, holds, self._compare(reading, plan), unreached)

        snapshot = await self._store.read(load)
        await self._update_all(snapshot)
        if snapshot.unreached and (later := await self._store.read(load)).unreached != snapshot.unreached:
            await self._update_channel(replace(later, holds=snapshot.holds))
        await self._report_refusals(snapshot)
        if snapshot.plan.status is PlanStatus.EXECUTING:
            self._rest(snapshot.plan)
        return Receipt() if self._has_expired(snapshot.plan, delivery) else snapshot.holds.outcome()

    async def _update_channel(self, snapshot: _Snapshot) -> None:
        """Update the card in the channel although its plan has not changed: somebody was reached meanwhile."""
        for record in [each for each in snapshot.records if each.purpose == "plan" and each.message]:
            outdated = replace(record, version=0)
            await self._put(outdated)
            await self._update(snapshot, outdated, needed=True)

    async def _update_all(self, snapshot: _Snapshot) -> None:
        """Update the cards that do not wait, first that in the channel."""
        holds, needed = snapshot.holds, await self._list_needed(snapshot)
        needed_ids = {record.id for record in needed}
        intents = {intent.id for record in needed if (intent := find_intent(record, snapshot.records))}
        closed = [record for record in snapshot.records if record.id not in needed_ids | intents]
        for record in holds.take_turns([*needed, *closed]):
            if until := self._quiet_until(snapshot.plan, record):
                holds.wait(record, until)
                continue
            await self._update(snapshot, record, needed=record.id in needed_ids)

    async def _update(self, snapshot: _Snapshot, record: CardRecord, *, needed: bool) -> None:
        """Update one card; it waits when that fails."""
        try:
            await self._bring_up_to_date(snapshot, record, needed=needed)
        except DeliveryError as error:
            level = logging.DEBUG if error.limited else logging.WARNING
            log.log(level, "the %s card of plan #%s waits: %s", record.purpose, snapshot.plan.number, error)
            snapshot.holds.add(record, error)

    def _rest(self, plan: Plan) -> None:
        """Let the cards of a plan rest: items that start and end in quick succession are one update."""
        now = self._clock.now()
        self._resting = {each: until for each, until in self._resting.items() if until > now}
        self._resting[plan.id] = now + max(pause for least, pause in PAUSES.items() if plan.tally.total >= least)

    def _compare(self, reading: Reading, plan: Plan) -> dict[str, Since]:
        if plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
            return {}
        return compare_for_readers(reading, plan, pending_voters(plan, self._engine.directory))

    async def _report_refusals(self, snapshot: _Snapshot) -> None:
        """Log whom this chat refuses cards, and thereby notify the manager and the administrators.

        Once: the log entries that a card has not shown yet say what was reported since the first failure.
        """
        chat = self._messenger.platform
        reported = {who for entry in snapshot.entries for who in refused_to(entry, chat)}
        failures = snapshot.holds.failures
        refused = {who: error for who, error, is_refused in failures if is_refused and who not in reported}
        if refused:
            recipients = tuple(sorted(refused))
            reason = refused[recipients[0]].reason
            note = c.NoteCardsRefused(plan_id=snapshot.plan.id, chat=chat, recipients=recipients, reason=reason)
            await self._engine.execute(note, SYSTEM)

    def _has_expired(self, plan: Plan, delivery: Delivery) -> bool:
        """Return whether a plan has ended, and its cards were tried for so long that nobody expects them any more."""
        since = delivery.created_at
        return plan.status in ENDED and since is not None and self._clock.now() - since > _KEPT_AFTER_END

    async def _list_needed(self, snapshot: _Snapshot) -> list[CardRecord]:
        """Return the records of the cards that the plan needs now, with new records for those without one.

        Of a posted card and the intent to replace it, the posted card is returned.
        """
        plan, records = snapshot.plan, sorted(snapshot.records, key=lambda record: bool(record.message))
        known = {identity_of(record): record for record in records}
        blank = CardRecord("", plan.id, self._messenger.platform, "plan", self._channel, log_seq=plan.log_seq)
        needed = []
        if self._channel and (plan.status is not PlanStatus.PLANNING or identity_of(blank) in known):
            needed.append(replace(blank, log_seq=0))
        current = replace(blank, revision=plan.revision)
        for person in await self._list_voters(snapshot):
            approval = replace(current, purpose="approval", audience=person, stage=plan.approval.current)
            needed.append(approval)
            if plan.approval.reminders:
                needed.append(replace(approval, purpose=reminder_of(plan)))
        needed += [
            replace(current, purpose=purpose, audience=person, item_id=item_id)
            for purpose, person, item_id in list_notices(plan)
            if await self._is_chat_of(snapshot, person, "")
        ]
        return [known.get(identity_of(record)) or replace(record, id=self._ids.new()) for record in needed]

    async def _list_voters(self, snapshot: _Snapshot) -> list[str]:
        """Return the people whose vote is pending and who get an approval card in this chat.

        The card is posted in the chat of the stage, or else in the first chat where the person has an account.
        """
        plan = snapshot.plan
        stage = plan.approval.stage
        if stage is None or stage.channel.is_form:
            return []
        people = sorted(pending_voters(plan, self._engine.directory))
        return [person for person in people if await self._is_chat_of(snapshot, person, stage.channel.platform)]

    async def _is_chat_of(self, snapshot: _Snapshot, person_id: str, preferred: str) -> bool:
        """Return whether this chat is the first one where the person has an account, the preferred chat before others.

        When the lookup in a chat before it fails, but may be retried, the person has to wait, and the result is False.
        A chat that refuses to look people up is passed over; its refusal is a failure of that chat when no other chat
        has an account either.
        """
        person = self._engine.directory.people.get(person_id)
        if person is None or not person.active or snapshot.holds.has(person_id):
            return False
        refused: DeliveryError | None = None
        for chat in sorted(self._chats, key=lambda chat: chat != preferred):
            try:
                if await self._identities.user(chat, person):
                    return chat == self._messenger.platform
            except DeliveryError as error:
                log.warning("the account of %s in %s cannot be looked up: %s", person_id, chat, error)
                if error.retryable:
                    snapshot.holds.add_person(person_id, error)
                    return False
                refused = error if chat == self._messenger.platform else refused
        if refused:
            snapshot.holds.add_person(person_id, refused)
        return False

    async def _bring_up_to_date(self, snapshot: _Snapshot, record: CardRecord, *, needed: bool) -> None:
        """Post or update one card.

        A card that is not needed any more loses its buttons. Its record is dropped when the plan has ended, or a newer
        revision has replaced the card.
        """
        plan = snapshot.plan
        is_current = bool(record.message) and record.version == plan.version
        if is_current and not (needed and self._list_thread(record, snapshot)):
            return
        if not record.message and not needed:
            await self._posting.drop(record)
            return
        person = self._engine.directory.people.get(record.audience) if record.purpose != "plan" else None
        locale = self._locale_of(record)
        card = self._make_card(snapshot, record, locale)
        is_superseded = is_reminder(record.purpose) and not needed
        changed = is_superseded or _changes_closed(record, snapshot.entries)
        if needed and (changed or not record.message or not is_notice(record.purpose)):
            if not is_current:
                record = await self._show(snapshot, record, card, person)
            record = await self._write_thread(snapshot, record, locale)
        elif changed and not await self._posting.update(record, card.without_buttons()):
            await self._posting.drop(record)
            return
        record = replace(record, version=plan.version, log_seq=max(record.log_seq, plan.log_seq))
        final = not needed and (plan.status in ENDED or _is_replaced(record, plan) or is_superseded)
        await (self._posting.drop(record) if final else self._put(record))

    async def _show(self, snapshot: _Snapshot, record: CardRecord, card: Card, person: Person | None) -> CardRecord:
        """Post or update a card and return its record.

        It is recorded before its thread is written, so that a thread that has to wait causes no second update.
        """

        def is_refusal(error: DeliveryError) -> bool:
            return snapshot.holds.is_refused(record, error)

        shown = await self._posting.update_or_post(snapshot.plan, snapshot.records, record, card, person, is_refusal)
        shown = replace(shown, version=snapshot.plan.version)
        if self._list_thread(shown, snapshot):
            await self._put(shown)
        return shown

    async def _put(self, record: CardRecord) -> None:
        await self._store.write(lambda writing: writing.cards.put([record]))

    async def _write_thread(self, snapshot: _Snapshot, record: CardRecord, locale: Locale) -> CardRecord:
        """Post new log entries below a card, and return the record with the last entry."""
        plan, new = snapshot.plan, list_new(record, snapshot.entries)
        entries = self._list_thread(record, snapshot)
        if entries:
            heading = [] if self._messenger.threads else [title_of(plan)]
            lines = [*heading, *(render_entry(entry, plan, locale, self._engine.directory) for entry in entries)]
            if record.purpose == "plan" and plan.status in ENDED:
                lines.append(render_log_head(plan, locale))
            mentioned = await self._list_mentioned(record, entries, plan)
            place, key = Posted(record.channel, record.message), f"{record.id}-{entries[-1].seq}"
            await self._messenger.say(place, "\n".join(lines), key, mentioned, loud=ends_plan(entries))
        return replace(record, log_seq=new[-1].seq if new else record.log_seq)

    def _list_thread(self, record: CardRecord, snapshot: _Snapshot) -> list[LogEntry]:
        return list_thread(record, snapshot.entries, threads=self._messenger.threads)

    async def _list_mentioned(self, record: CardRecord, entries: Sequence[LogEntry], plan: Plan) -> list[str]:
        """Return the chat's users whom new lines in a channel mention: those who have to act, if they are known."""
        if record.purpose != "plan":
            return []
        people = map(self._engine.directory.people.get, list_mentioned(entries, plan))
        users = [await self._identities.user(self._messenger.platform, each) for each in people if each and each.active]
        return [user for user in users if user]

    def _quiet_until(self, plan: Plan, record: CardRecord) -> datetime | None:
        """Return until when a reminder waits that has not been sent; None for all other cards."""
        if record.message or not is_reminder(record.purpose):
            return None
        locale = self._locale_of(record)
        return quiet_until(self._clock.now(), locale.zone, plan.approval.deadline)

    def _locale_of(self, record: CardRecord) -> Locale:
        person = self._engine.directory.people.get(record.audience) if record.purpose != "plan" else None
        return Locale.of(person, self._locale.language, self._locale.timezone)

    def _make_card(self, snapshot: _Snapshot, record: CardRecord, locale: Locale) -> Card:
        plan, since = snapshot.plan, snapshot.since.get(record.audience)
        reader = record.audience if record.purpose != "plan" else ""
        cards = PlanCards(locale, self._engine.directory, self._public_url, reader)
        if _is_replaced(record, plan):
            return cards.replaced(plan, record.revision)
        match record.purpose:
            case "approval":
                return mark_reply(cards.approval(plan, since), View.APPROVAL)
            case purpose if is_reminder(purpose):
                return cards.reminder(plan, self._clock.now())
            case purpose if is_notice(purpose) or purpose == ITEM_CARD:
                return cards.notice(plan, record.item_id)
            case _:
                return cards.with_unreached(cards.plan(plan), snapshot.unreached)


def _is_replaced(record: CardRecord, plan: Plan) -> bool:
    """Return whether a card requests something that a newer revision requests anew."""
    return record.purpose in ("approval", ITEM_CARD) and record.revision < plan.revision


def _changes_closed(record: CardRecord, entries: Sequence[LogEntry]) -> bool:
    """Return whether a card that is not needed any more has to be updated for the new log entries."""
    new = [entry for entry in entries if entry.seq > record.log_seq]
    return any(
        EVENTS[entry.event].changes_closed_cards or entry.details.get("item_id") == record.item_id for entry in new
    )
