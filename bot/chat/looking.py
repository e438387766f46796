"""Answers the requests of chats that only read: lists, plans and their logs, as cards in the reader's language."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.cards.digest import load_entries
from bot.cards.item import ItemCards
from bot.cards.lists import ListCards
from bot.cards.paging import LOG_PAGE_SIZE, PAGE_SIZE, Pages
from bot.cards.plan import PlanCards
from bot.cards.refs import Ref, View, mark_reply
from bot.cards.states import weigh_item
from bot.i18n import LANGUAGES, Locale, translate
from bot.i18n.labels import label
from bot.people.seen import note_seen
from bot.verbs import ChatVerb, word_for
from core.audit import LogEntry
from core.card import Card, Weight
from core.decide.planning import problems_of_plan
from core.engine import Engine
from core.errors import Invalid, NotFound, Problem
from core.messages import Message
from core.people import SYSTEM
from core.plan import Plan, find_items
from core.ports.clock import Clock
from core.ports.paging import Page
from core.ports.plans import PlanQuery
from core.ports.store import Reading, Store
from core.revisions import History, Since, compare_for_readers
from core.status import PlanStatus
from core.text import normalize_name

_STATUSES = {
    normalize_name(word): status.value
    for status in PlanStatus
    for word in (status.value, *(translate(label(status), language) for language in LANGUAGES))
}
"""The statuses by their names in all languages, whichever language the reader has."""
_PAGE = re.compile(r"(?:page|页|第)\s*([0-9]{1,6})\s*页?", re.IGNORECASE)
_ITEM_STATES = {
    normalize_name(word): weight
    for weight, words in {
        Weight.BAD: ("failed", "失败"),
        Weight.READY: ("ready", "可执行"),
        Weight.PERSON: ("waiting", "等人", "等待"),
    }.items()
    for word in words
}
"""The states by which items are looked for."""
_NUMBER = re.compile(r"[0-9]{1,6}")
_DEEPEST = 10_000
"""How many plans may be skipped to reach a page."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Reads what one person asks for. `public_url` is the address of the console."""

    store: Store
    engine: Engine
    clock: Clock
    public_url: str
    person: str
    locale: Locale

    @property
    def plan_cards(self) -> PlanCards:
        """What makes the cards of plans for the person."""
        return PlanCards(self.locale, self.engine.directory, self.public_url, self.person)

    @property
    def list_cards(self) -> ListCards:
        """What makes the person's lists."""
        return ListCards(self.locale, self.engine.directory, self.public_url)

    async def view(self, ref: Ref) -> Card:
        """Return what the clicked card shows now."""
        if ref.view == View.MINE:
            return await self.mine(1)
        if ref.view == View.ITEM:
            return await self.item(ref)
        if ref.view == View.DIGEST:
            directory = self.engine.directory
            entries = await self.store.read(lambda reading: load_entries(reading, self.person, directory))
            return self.list_cards.digests.digest(entries)
        return await self.plan(ref.plan_id, ref.page)

    async def list_plans(self, rest: str) -> Card:
        """Return a page of the plans with a status, given by name or value, or of the person's own matters.

        Without a status, the plans are all. Raises Invalid.
        """
        text = self.locale.text
        status, number = split_page(rest)
        if normalize_name(status) in ("mine", "我的"):
            return await self.mine(number or 1)
        value = _STATUSES.get(normalize_name(status), status)
        if value and value not in set(PlanStatus):
            raise Invalid(
                Problem(
                    "status",
                    "there is no status {status}; use one of: {known}",
                    {"status": status, "known": ", ".join(text(label(each)) for each in PlanStatus)},
                )
            )
        command = " ".join(part for part in (word_for(ChatVerb.LIST, self.locale.language), status) if part)

        def read(reading: Reading) -> tuple[Page[Plan], Pages]:
            counts = reading.plans.counts()
            pages = Pages(counts.get(value, 0) if value else sum(counts.values()), number, command)
            query = PlanQuery(status=value, limit=PAGE_SIZE)
            if skipped := min(pages.skipped, _DEEPEST):
                query = replace(query, cursor=reading.plans.page(replace(query, limit=skipped)).next_cursor)
            return reading.plans.page(query), pages

        page, pages = await self.store.read(read)
        return self.list_cards.plans(page.items, text("Release plans"), pages)

    async def log(self, plan_id: str, number: int) -> Card:
        """Return a page of a plan's operation log; the first one has the newest entries."""

        def read(reading: Reading) -> tuple[Plan, list[LogEntry], Pages]:
            plan = reading.plans.get(plan_id)
            command = f"{word_for(ChatVerb.LOG, self.locale.language)} {plan.number}"
            pages = Pages(plan.log_seq, number, command, LOG_PAGE_SIZE)
            last = plan.log_seq - pages.skipped
            first = max(0, last - pages.size)
            return plan, reading.log.of_plan(plan_id, first, last - first), pages

        return self.list_cards.log(*await self.store.read(read))

    async def mine(self, page: int = 0) -> Card:
        """Return what waits for the person, and the person's plans; with `page`, a page of it."""
        person = self.person
        groups = self.engine.directory.groups.values()
        names = {person, *(f"@{group.id}" for group in groups if person in group.members)}
        mine = await self.store.read(lambda reading: reading.plans.mine(person, names))
        return mark_reply(self.list_cards.mine(mine, page), View.MINE)

    async def show(self, plan_id: str, rest: str = "") -> Card:
        """Return what the person asks to see: a plan, which the person has then seen, or a part of it.

        `rest` is an item by position, key or name; `page 2`; a state; or a part of the names of items. Raises NotFound.
        """
        if page := _PAGE.fullmatch(rest):
            return await self.plan(plan_id, int(page[1]))
        if rest:
            return await self._show_items(plan_id, rest.strip('"“”「」`'))
        plan = await self._load(plan_id)
        await note_seen(self.store, self.clock, plan, self.person)
        return self._card(plan)

    async def item(self, ref: Ref) -> Card:
        """Return the card of the item that a button refers to. Raises NotFound when its plan has it no more."""
        plan = await self._load(ref.plan_id)
        if ref.item_id not in plan.items:
            raise NotFound(Message("The plan has changed, and this item is gone. `show` lists its items."))
        return mark_reply(self._item_cards(plan).item(plan.items[ref.item_id]), View.ITEM)

    def _item_cards(self, plan: Plan) -> ItemCards:
        return ItemCards(self.locale, self.engine.directory, self.public_url, plan, self.person)

    async def _show_items(self, plan_id: str, what: str) -> Card:
        """Return the card of an item, or of all that fit. Raises NotFound when none does."""
        plan = await self._load(plan_id)
        cards = self._item_cards(plan)
        items = plan.items_in_order
        found, wanted = find_items(items, what), normalize_name(what)
        exact = [
            item for item in found if wanted in (str(item.position), normalize_name(item.name)) or what == item.key
        ]
        if weight := None if exact else _ITEM_STATES.get(wanted):
            found = [item for item in items if weigh_item(plan, item) is weight]
        elif not found:
            raise NotFound(Message("This plan has no item {ref}. `show` lists its items.", {"ref": what}))
        elif len(found) == 1:
            return mark_reply(cards.item(found[0]), View.ITEM)
        return mark_reply(cards.found(found, what), View.PLAN)

    async def approval(self, plan_id: str) -> Card:
        """Return what the person has to see before a vote, with the buttons for it."""

        def load(reading: Reading) -> tuple[Plan, Since | None]:
            plan = reading.plans.get(plan_id, whole=True)
            return plan, compare_for_readers(reading, plan, [self.person]).get(self.person)

        plan, since = await self.store.read(load)
        await note_seen(self.store, self.clock, plan, self.person)
        return mark_reply(self.plan_cards.approval(plan, since), View.PLAN)

    async def diff(self, plan_id: str, rest: str) -> Card:
        """Return what the present revision changed since another one, which `rest` may name.

        By default that is the one that the person was shown before, or else the one before it; a first revision is
        compared with the last success of its lineage. Raises NotFound, and Invalid when `rest` is no number.
        """
        if rest and not _NUMBER.fullmatch(rest):
            raise Invalid(Problem("revision", "write the number of the revision to compare with"))

        def load(reading: Reading) -> tuple[Plan, Since]:
            plan = reading.plans.get(plan_id)
            since = None if rest else compare_for_readers(reading, plan, [self.person]).get(self.person)
            if since is None or (since.success and plan.revision > 1):
                since = Since(History.load(reading, plan).compare(against=int(rest) if rest else None))
            return plan, since

        return self.plan_cards.difference(*await self.store.read(load))

    async def plan(self, plan_id: str, page: int = 0) -> Card:
        """Return the card of a plan, with a page of its items in their order, by default with what is next."""
        return self._card(await self._load(plan_id), page)

    async def _load(self, plan_id: str) -> Plan:
        return await self.store.read(lambda reading: reading.plans.get(plan_id, whole=True))

    def _card(self, plan: Plan, page: int = 0) -> Card:
        command = f"{word_for(ChatVerb.SHOW, self.locale.language)} {plan.number} {self.locale.text('page')}"
        pages = Pages(len(plan.items), page, command) if page else None
        card = self.plan_cards.plan(plan, pages)
        if plan.status is PlanStatus.PLANNING:
            card = self.plan_cards.with_missing(card, problems_of_plan(plan, self.engine.context(SYSTEM)))
        return mark_reply(card, View.PLAN, page)


def split_page(rest: str) -> tuple[str, int]:
    """Return what to list, and the number of the page that follows it, 0 without one."""
    what, _, last = rest.rpartition(" ")
    return (what.strip(), int(last)) if _NUMBER.fullmatch(last) else (rest, 0)
