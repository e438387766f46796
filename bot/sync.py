"""Brings what a chat shows of a plan up to date: posts cards that are due, changes old ones, writes the thread.

It compares what should be shown with what was posted, so it may run as often as it likes: after a crash, an outage or
twice at once, the next run puts right what is missing. Each step is recorded before the next.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.cards.plan import PlanCards
from bot.cards.words import sentence
from bot.delivery import Sent
from bot.i18n import Locale
from bot.identify import Identities
from core.audit import LogEntry
from core.card import Card
from core.chat import Messenger, Place, Posted
from core.clock import Clock, Ids
from core.deciding.execution import blockers
from core.engine import Engine
from core.errors import DeliveryError
from core.people import Person
from core.plan import FORMS, Plan
from core.ports import CardRecord, Delivery, Reading, Store
from core.status import ItemStatus, PlanStatus
from core.validate import eligible

log = logging.getLogger(__name__)

_QUIET = frozenset({"run_changed", "refused", "reminded", "form_linked", "submit_deferred", "schedule_fired"})
"""Log entries that are not worth a message in the thread."""


@dataclass(frozen=True, slots=True)
class _View:
    """A plan with everything that its cards are made from."""

    plan: Plan
    records: Sequence[CardRecord]
    entries: Sequence[LogEntry]


class CardSync:
    """Keeps the cards of one chat. `channel` is where plan cards go; empty for none."""

    def __init__(
        self, messenger: Messenger, channel: str, store: Store, engine: Engine, identities: Identities,
        clock: Clock, ids: Ids, locale: Locale, public_url: str, chats: Sequence[str],
    ) -> None:  # fmt: skip
        self._messenger, self._channel, self._store, self._engine = messenger, channel, store, engine
        self._identities, self._clock, self._ids = identities, clock, ids
        self._locale, self._public_url, self._chats = locale, public_url, chats

    async def deliver(self, delivery: Delivery) -> Sent:
        """Bring one plan up to date. Raises the DeliveryError of a card that can be tried again."""
        platform = self._messenger.platform

        def load(reading: Reading) -> _View:
            records = reading.cards(delivery.effect.plan_id, platform)
            plan = reading.plan(delivery.effect.plan_id, whole=True)
            return _View(plan, records, reading.log(plan.id, min((r.log_seq for r in records), default=0)))

        view = await self._store.read(load)
        wanted = await self._wanted(view.plan, view.records)
        failure: DeliveryError | None = None
        for record in [*wanted, *(r for r in view.records if r.id not in {w.id for w in wanted})]:
            try:
                await self._show(view, record, wanted=record in wanted)
            except DeliveryError as error:
                log.warning("card %s of plan #%s: %s", record.purpose, view.plan.number, error)
                failure = error if failure is None or error.retryable else failure
        if failure and failure.retryable:
            raise failure
        return Sent()

    async def _wanted(self, plan: Plan, records: Sequence[CardRecord]) -> list[CardRecord]:
        """Return the cards that ought to be there: those that are, and new records for those that are not."""
        known = {_identity(record): record for record in records}
        blank = CardRecord("", plan.id, self._messenger.platform, "plan", self._channel, log_seq=plan.log_seq)
        wanted = []
        if self._channel and (plan.status is not PlanStatus.PLANNING or plan.revision > 1 or _identity(blank) in known):
            wanted.append(replace(blank, log_seq=0))
        now = replace(blank, revision=plan.revision)
        asked = [
            replace(now, purpose="approval", audience=who, stage=plan.approval.current)
            for who in await self._asked(plan)
        ]
        items = [replace(now, purpose="item", audience=who, item_id=item) for who, item in await self._assigned(plan)]
        wanted += asked + items
        return [known.get(_identity(record)) or replace(record, id=self._ids.new()) for record in wanted]

    async def _asked(self, plan: Plan) -> list[str]:
        """Return the approvers who are asked here: in the stage's chat, or in the first where they have an account."""
        stage = plan.approval.stage
        if plan.status is not PlanStatus.WAIT_FOR_APPROVAL or stage is None or stage.channel in FORMS:
            return []
        people = eligible(stage, plan.approval, plan.manager, self._engine.directory)
        people |= {to for person, to in plan.approval.delegates.items() if person in people}
        return [person for person in sorted(people) if await self._here(person, stage.channel.value)]

    async def _assigned(self, plan: Plan) -> list[tuple[str, str]]:
        """Return assignees with the items that they can do now."""
        if plan.status is not PlanStatus.EXECUTING or not plan.window_open:
            return []
        ready = [
            item
            for item in plan.items.values()
            if item.assignee and item.status in (ItemStatus.TODO, ItemStatus.FAILED) and not blockers(plan, item)
        ]
        return [(item.assignee, item.id) for item in ready if await self._here(item.assignee, "")]

    async def _here(self, person_id: str, preferred: str) -> bool:
        """Tell whether this chat is the first, of those that are enabled, where the person has an account."""
        person = self._engine.directory.people.get(person_id)
        if person is None or not person.active:
            return False
        for chat in sorted(self._chats, key=lambda chat: chat != preferred):
            if await self._identities.user(chat, person):
                return chat == self._messenger.platform
        return False

    async def _show(self, view: _View, record: CardRecord, *, wanted: bool) -> None:
        plan = view.plan
        if record.message and record.version == plan.version:
            return
        if not record.message and not wanted:
            await self._store.write(lambda writing: writing.cards.drop([record.id]))
            return
        person = self._engine.directory.people.get(record.audience) if record.purpose != "plan" else None
        locale = Locale.of(person, self._locale.language, self._locale.timezone)
        card = self._card(view, record, locale)
        if not record.message:
            record = await self._post(record, card, person)
        elif not await self._messenger.update(Posted(record.channel, record.message), card):
            await self._store.write(lambda writing: writing.cards.drop([record.id]))
            if not wanted:
                return
            record = await self._post(replace(record, id=self._ids.new(), message=""), card, person)
        record = await self._write_thread(view, record, locale)
        shown = replace(record, version=plan.version, log_seq=max(record.log_seq, plan.log_seq))
        over = not wanted and record.purpose != "plan"
        await self._store.write(lambda writing: writing.cards.drop([shown.id]) if over else writing.cards.put([shown]))

    async def _post(self, record: CardRecord, card: Card, person: Person | None) -> CardRecord:
        """Post a card, its intent first: after a crash in between the same key finds it where the vendor can tell."""
        await self._store.write(lambda writing: writing.cards.put([record]))
        user = await self._identities.user(self._messenger.platform, person) if person else ""
        place = Place(user=user) if person else Place(channel=record.audience)
        posted = await self._messenger.post(place, card, record.id)
        done = replace(record, channel=posted.channel, message=posted.message, posted_at=self._clock.now())
        await self._store.write(lambda writing: writing.cards.put([done]))
        return done

    async def _write_thread(self, view: _View, record: CardRecord, locale: Locale) -> CardRecord:
        """Write what happened under the channel's card, and reminders under the cards of those who have to vote."""
        new = [entry for entry in view.entries if entry.seq > record.log_seq]
        if record.purpose == "plan":
            told = [entry for entry in new if entry.event not in _QUIET]
        elif record.purpose == "approval" and record.audience not in {vote.person for vote in view.plan.votes}:
            told = [entry for entry in new if entry.event == "reminded"][-1:]
        else:
            told = []
        if told:
            lines = "\n".join(sentence(entry, view.plan, locale, self._engine.directory) for entry in told)
            await self._messenger.say(Posted(record.channel, record.message), lines, f"{record.id}-{told[-1].seq}")
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


def _identity(record: CardRecord) -> tuple[str, str, int, int, str]:
    return record.purpose, record.audience, record.revision, record.stage, record.item_id
