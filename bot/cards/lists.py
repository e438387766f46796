"""Cards with rows: lists of plans and of dead deliveries, the operation log of a plan, and the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.cards.plan import PlanCards, choose_tone, shorten
from bot.cards.sentences import render_entry, render_log_head
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.verbs import WORDS, ChatVerb, VerbWords
from core.audit import LogEntry
from core.card import Button, Card, Row, Section, Tone
from core.people import Directory
from core.plan import Plan
from core.ports.outbox import Delivery
from core.ports.plans import Mine

_TONE_MARKS = {Tone.NEUTRAL: "▫️", Tone.WAITING: "⏳", Tone.ACTIVE: "▶️", Tone.GOOD: "✅", Tone.BAD: "❌"}
_MAX_LOG_LINES = 30
_MAX_LOG_LENGTH = 2800
"""How much of an operation log a card has: lines, and characters in all."""


@dataclass(frozen=True, slots=True)
class ListCards:
    """Makes list cards for one reader."""

    locale: Locale
    directory: Directory
    public_url: str

    def plans(self, plans: Sequence[Plan], heading: str) -> Card:
        """Return the list of plans, each with a button that opens its card."""
        text = self.locale.text
        rows = tuple(self._row(plan) for plan in plans)
        empty = "" if rows else text("There is nothing here yet. Start a plan with `new`.")
        return Card(heading, heading, sections=(Section(text=empty, rows=rows),), more=self._more())

    def mine(self, mine: Mine) -> Card:
        """Return the card of the reader's own matters: pending approvals, then items, then plans they manage."""
        text = self.locale.text
        cards = PlanCards(self.locale, self.directory, self.public_url)
        items = tuple(
            Row(
                f"#{plan.number} {item.name}",
                "▶️",
                plan.name,
                buttons=cards.item_buttons(plan, item),
            )
            for plan, item in mine.items
        )
        sections = (
            Section(text("Waiting for your approval"), rows=tuple(self._row(plan) for plan in mine.approvals)),
            Section(text("Your items"), rows=items),
            Section(text("Your plans"), rows=tuple(self._row(plan) for plan in mine.managed)),
        )
        filled = tuple(section for section in sections if section.rows)
        nothing = Section(text=text("Nothing is waiting for you. `list` shows all plans."))
        title = text("My releases")
        return Card(title, title, sections=filled or (nothing,), more=self._more())

    def log(self, plan: Plan, entries: Sequence[LogEntry]) -> Card:
        """Return the last entries of a plan's operation log, oldest first. Too long a text is cut at its end."""
        lines = [
            f"{self.locale.time(e.at)} · {render_entry(e, plan, self.locale, self.directory)}"
            for e in entries[-_MAX_LOG_LINES:]
        ]
        title = self.locale.text("Operation log of #{number} {name}", number=plan.number, name=plan.name)
        more = Button("open", self.locale.text("Open"), url=f"{self.public_url}/plans/{plan.number}")
        section = Section(text=shorten("\n".join(lines), _MAX_LOG_LENGTH))
        note = render_log_head(plan, self.locale)
        return Card(title, title, tone=choose_tone(plan), sections=(section,), note=note, more=more)

    def deliveries(self, deliveries: Sequence[Delivery], numbers: Mapping[str, int]) -> Card:
        """Return the list of dead deliveries. `numbers` has the numbers of their plans by id."""
        text, title = self.locale.text, self.locale.text("What could not be delivered")
        rows = tuple(
            Row(
                f"#{numbers.get(delivery.effect.plan_id, '?')} {delivery.effect.destination}",
                _TONE_MARKS[Tone.BAD],
                self._failure(delivery),
            )
            for delivery in deliveries
        )
        nothing = "" if rows else text("Everything was delivered, or is still tried.")
        return Card(title, title, sections=(Section(text=nothing, rows=rows),), more=self._more())

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
        return Row(usage, detail=" ".join(word for word in words.aliases if not usage.startswith(word)))

    def _row(self, plan: Plan) -> Row:
        text = self.locale.text
        detail = f"{text(label(plan.status))} · {self.directory.name(plan.manager)}"
        return Row(
            f"#{plan.number} {plan.name}",
            _TONE_MARKS[choose_tone(plan)],
            detail,
            buttons=(Button(ChatVerb.SHOW, text("Show"), plan.ref),),
        )

    def _more(self) -> Button:
        return Button("open", self.locale.text("Open"), url=f"{self.public_url}/")
