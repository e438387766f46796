"""Cards with rows: lists of plans and of dead deliveries, the operation log of a plan, and the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from bot.cards.buttons import Buttons, link_to
from bot.cards.digest import DigestCards, sort_entries
from bot.cards.naming import shorten, title_of
from bot.cards.paging import Pages, paging_buttons, paging_sections
from bot.cards.sentences import render_entry, render_log_head
from bot.cards.states import MARKS, state_of
from bot.i18n import Locale
from bot.verbs import WORDS, ChatVerb, VerbWords, word_for
from core.audit import LogEntry
from core.card import Button, Card, Row, Section, State, Tone, Weight, line, paragraph, plain
from core.people import Directory
from core.plan import Plan
from core.ports.outbox import Delivery
from core.ports.plans import Mine

_LOG_BYTES = 4500
"""How much of a log every vendor's messages have room for."""
_SENTENCE_LIMITS = (300, 150, 80, 40)
"""The numbers of characters to which sentences of a log are cut, of which the first is taken that finds room."""


@dataclass(frozen=True, slots=True)
class ListCards:
    """Makes list cards for one reader."""

    locale: Locale
    directory: Directory
    public_url: str

    @property
    def digests(self) -> DigestCards:
        """What makes digests for the same reader."""
        return DigestCards(self.locale, self.directory, self.public_url)

    def plans(self, plans: Sequence[Plan], heading: str, pages: Pages | None = None) -> Card:
        """Return a page of the list of plans, each with a button that opens its card."""
        text = self.locale.text
        rows = tuple(self._row(plan) for plan in plans)
        empty = paragraph(text("There is nothing here yet. Start a plan with `new`."))
        return self._card(heading, (Section(rows=rows) if rows else empty,), pages)

    def mine(self, mine: Mine, page: int = 0) -> Card:
        """Return the card of the reader's own matters: pending approvals, then items, then plans they manage.

        With `page`, those of one page.
        """
        text = self.locale.text
        items = [
            replace(self.digests.row(entry), buttons=Buttons(self.locale).of_item(entry.plan, entry.item))
            for entry in sort_entries(mine.items, self.directory)
        ]
        rows = [
            *((text("Waiting for your approval"), self._row(plan, Weight.YOURS)) for plan in mine.approvals),
            *((text("Your items"), row) for row in items),
            *((text("Your plans"), self._row(plan)) for plan in mine.managed),
        ]
        command = f"{word_for(ChatVerb.LIST, self.locale.language)} {text('mine')}"
        pages = Pages(len(rows), page, command) if page else None
        parts = groupby(pages.part(rows) if pages else rows, key=itemgetter(0))
        sections = tuple(Section(heading, rows=tuple(row for _, row in part)) for heading, part in parts)
        nothing = paragraph(text("Nothing is waiting for you. `list` shows all plans."))
        return self._card(text("My releases"), sections or (nothing,), pages)

    def log(self, plan: Plan, entries: Sequence[LogEntry], pages: Pages | None = None) -> Card:
        """Return a part of a plan's operation log, the oldest entry first."""
        lines = [(self.locale.time(each.at), render_entry(each, plan, self.locale, self.directory)) for each in entries]
        sections = (Section(rows=_render_log(lines)),)
        title = self.locale.text("Operation log of #{number} {name}", number=plan.number, name=plan.name)
        more = link_to(self.locale.text("Open"), self.public_url, plan)
        card = replace(self._card(title, sections, pages), state=state_of(plan, self.locale), more=more)
        return replace(card, foot=(line(render_log_head(plan, self.locale)),))

    def deliveries(
        self, deliveries: Sequence[Delivery], numbers: Mapping[str, int], pages: Pages | None = None
    ) -> Card:
        """Return a page of the list of dead deliveries. `numbers` has the numbers of their plans by id."""
        text, title = self.locale.text, self.locale.text("What could not be delivered")
        rows = tuple(
            Row(
                self._subject(delivery, numbers),
                state=State(Tone.BAD, MARKS[Tone.BAD], text("not delivered")),
                line=line(self._failure(delivery)),
            )
            for delivery in deliveries
        )
        nothing = paragraph(text("Everything was delivered, or is still tried."))
        return self._card(title, (Section(rows=rows) if rows else nothing,), pages)

    def _subject(self, delivery: Delivery, numbers: Mapping[str, int]) -> str:
        """Return the number of the plan and the destination of a delivery; a digest is of no plan."""
        effect = delivery.effect
        return (
            f"#{numbers.get(effect.plan_id, '?')} {effect.destination}" if effect.plan_id else str(effect.destination)
        )

    def _failure(self, delivery: Delivery) -> str:
        """Return the id by which a delivery is replayed, when it was created, and why it failed."""
        reason = shorten(self.locale.message(delivery.error), 200)
        return " · ".join((delivery.effect.id, self.locale.time(delivery.created_at), reason))

    def help(self) -> Card:
        """Return the usage of every command, each with its aliases."""
        title = self.locale.text("Commands")
        rows = tuple(self._usage(words) for words in WORDS.values() if words.usage)
        return Card(title, title, sections=(Section(rows=rows),))

    def _usage(self, words: VerbWords) -> Row:
        usage = self.locale.text(words.usage)
        return Row(usage, line=line(" ".join(word for word in words.aliases if not usage.startswith(word))))

    def _row(self, plan: Plan, weight: Weight = Weight.LATER) -> Row:
        label = self.locale.text("Review") if weight is Weight.YOURS else self.locale.text("Show")
        return Row(
            title_of(plan),
            weight,
            state_of(plan, self.locale),
            line(self.directory.name(plan.manager)),
            buttons=(Button(ChatVerb.SHOW, label, plan.ref),),
        )

    def _card(self, title: str, sections: tuple[Section, ...], pages: Pages | None = None) -> Card:
        return Card(
            title,
            title,
            sections=(*paging_sections(pages, self.locale), *sections),
            buttons=paging_buttons(pages, self.locale),
            more=link_to(self.locale.text("Open"), self.public_url),
        )


def _render_log(lines: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """Return the rows of a log from times and sentences, the latter cut so far that all of them find room."""
    rows: tuple[Row, ...] = ()
    for limit in _SENTENCE_LIMITS:
        rows = tuple(Row(time, line=line(shorten(text, limit))) for time, text in lines)
        if sum(len(f"{row.title}{plain(row.line)}".encode()) for row in rows) <= _LOG_BYTES:
            break
    return rows
