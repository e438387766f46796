"""The digest of a person: one card over all plans that lists what waits for them now, and what will later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from bot.cards.buttons import Buttons, emphasize_one, link_to, page_of
from bot.cards.contents import describe_text
from bot.cards.deciding import show_part
from bot.cards.naming import shorten, title_of, title_of_item
from bot.cards.refs import Ref, View
from bot.i18n import Locale
from bot.i18n.labels import N_, label
from bot.verbs import ChatVerb
from core.approval import eligible_in_any
from core.card import Body, Button, Card, Line, Row, Section, State, Style, Tone, Weight, join_lines, line
from core.messages import NO_MESSAGE
from core.people import Directory
from core.plan import Item, Plan
from core.ports.store import Reading
from core.status import ItemStatus, PlanStatus
from core.text import join_names

_WITH_TEXTS = 10
"""Of how many items the instructions are loaded; the others have no room for them on any card."""
_DETAIL_LIMIT = 300
"""The longest text of a row below its instructions, in characters."""
_NAMED = 3
"""How many things the line for notifications names."""
_LINKED = 5
"""How many plans are linked below."""


_STATES = {
    Weight.BAD: State(Tone.BAD, "❌", N_("failed")),
    Weight.PERSON: State(Tone.WAITING, "✋", N_("waits for you")),
    Weight.READY: State(Tone.ACTIVE, "▶️", N_("ready")),
    Weight.RUNNING: State(Tone.ACTIVE, "⏳", N_("running")),
    Weight.LATER: State(Tone.NEUTRAL, "▫️", N_("later")),
}
"""The states of things to do by how urgently they wait, with English words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item that waits for its assignee."""

    plan: Plan
    item: Item
    weight: Weight

    @property
    def key(self) -> str:
        """What identifies the thing to do: an item that waits again, in a later revision or attempt, is another."""
        waiting = f".{self.item.run.attempt}" if self.item.waits and self.item.run else ""
        return f"{self.plan.item_ref(self.item.id)}{waiting}"


def weigh(plan: Plan, item: Item, directory: Directory) -> Weight | None:
    """Return how urgently an item waits for its assignee; None when it does not.

    One that runs waits for nobody yet, and one whose run waits for a person does so for those who approve the plan.
    """
    if plan.status is not PlanStatus.EXECUTING or plan.deleted or item.complete:
        return None
    if item.status is ItemStatus.RUNNING and not (item.waits and item.assignee in eligible_in_any(plan, directory)):
        return Weight.RUNNING
    if not plan.window_open or plan.blockers(item):
        return Weight.LATER
    if item.status is ItemStatus.FAILED:
        return Weight.BAD
    return Weight.PERSON if item.type == "text" or item.waits else Weight.READY


def sort_entries(waiting: Iterable[tuple[Plan, Item]], directory: Directory) -> list[Entry]:
    """Return what waits, the most urgent first."""
    weighed = ((plan, item, weigh(plan, item, directory)) for plan, item in waiting)
    return sorted((Entry(plan, item, w) for plan, item, w in weighed if w), key=lambda entry: entry.weight)


def load_entries(reading: Reading, person: str, directory: Directory) -> list[Entry]:
    """Return what waits for a person, the most urgent first, some of it with the instructions."""
    waiting = sort_entries(reading.plans.waiting(person), directory)
    entries = [entry for entry in waiting if entry.weight is not Weight.RUNNING]
    for index, entry in enumerate(entries[:_WITH_TEXTS]):
        if entry.weight is Weight.PERSON and entry.item.type == "text":
            spec = reading.plans.spec(entry.plan.id, entry.item.id)
            entries[index] = replace(entry, item=replace(entry.item, spec=spec))
    return entries


def summarize_parts(plan: Plan, directory: Directory) -> dict[str, str]:
    """Return, by person, a hash of what waits for them in a plan, which differs when the digest has to be updated."""
    parts: dict[str, list[str]] = {}
    for item in plan.items_in_order:
        if item.assignee and (weight := weigh(plan, item, directory)) and weight is not Weight.RUNNING:
            blockers = [other.id for other in plan.blockers(item)]
            message = item.run.message if item.run else NO_MESSAGE
            parts.setdefault(item.assignee, []).append(repr((plan.item_ref(item.id), weight, blockers, message)))
    return {person: sha256("\n".join(lines).encode()).hexdigest() for person, lines in parts.items()}


@dataclass(frozen=True, slots=True)
class DigestCards:
    """Makes the digest of one reader."""

    locale: Locale
    directory: Directory
    public_url: str

    def digest(self, entries: Sequence[Entry], *, lasting: bool = True) -> Card:
        """Return the card with what waits now, each with a button for the one thing to do, and what will wait later.

        `lasting` is whether the card is kept up to date, so that it says so.
        """
        text = self.locale.text
        now = [entry for entry in entries if entry.weight is not Weight.LATER]
        later = entries[len(now) :]
        parts = [(text("Now {count}", count=len(now)), now), (text("Later {count}", count=len(later)), later)]
        sections = [
            Section(heading, rows=tuple(self.row(entry, first=index == 0) for index, entry in enumerate(part)))
            for heading, part in parts
            if part
        ]
        title, counts = self._title(len(now)), Counter(entry.weight for entry in now)
        named = "; ".join(self._name(entry) for entry in now[:_NAMED])
        word = " · ".join(f"{text(_STATES[weight].word)} {count}" for weight, count in sorted(counts.items()))
        sentence = text("This card is kept up to date. A new message comes only when something new waits for you.")
        card = Card(
            title,
            text("{title}: {what}", title=title, what=named) if named else title,
            State(_tone(now), _STATES[now[0].weight].mark if now else "", word),
            sections=(*sections, *self._links(now)),
            foot=(line(sentence),) if lasting and entries else (),
            more=self._more(),
        )
        return emphasize_one(card)

    def _links(self, now: Sequence[Entry]) -> Iterator[Section]:
        """Yield the links to the plans of what waits now."""
        plans = list({entry.plan.id: entry.plan for entry in now}.values())[:_LINKED]
        links = (Row(title_of(plan), url=page_of(self.public_url, plan.number)) for plan in plans)
        if plans:
            yield Section(self.locale.text("Release plans"), rows=tuple(links))

    def moved(self) -> Card:
        """Return what is left of a digest that a newer message replaces."""
        title, where = self.locale.text("Moved below"), self.locale.text("What waits for you is in a newer message.")
        return Card(title, where, ask=(line(where),), more=self._more())

    def row(self, entry: Entry, *, first: bool = True) -> Row:
        """Return the row of an item with the one thing to do; only the button of the `first` row may ask for a text.

        Some chats have room for one input.
        """
        buttons = () if entry.weight in (Weight.RUNNING, Weight.LATER) else (self._button(entry, first=first),)
        state = replace(_STATES[entry.weight], word=self._word(entry))
        title = f"#{entry.plan.number} · {title_of_item(entry.item)}"
        return Row(title, entry.weight, state, self._line(entry), self._body(entry), buttons)

    def _title(self, count: int) -> str:
        text = self.locale.text
        if not count:
            return text("Nothing waits for you.")
        return text("1 thing waits for you") if count == 1 else text("{count} things wait for you", count=count)

    def _name(self, entry: Entry) -> str:
        return f"#{entry.plan.number} {entry.item.name} ({self.locale.text(_STATES[entry.weight].word)})"

    def _more(self) -> Button:
        return link_to(self.locale.text("Open"), self.public_url)

    def _button(self, entry: Entry, *, first: bool) -> Button:
        """Return the button for the one thing to do; what has failed has several ways on, and its card offers them."""
        if entry.weight is Weight.BAD:
            ref = str(Ref(entry.plan.id, item_id=entry.item.id))
            return Button(ChatVerb.SHOW, self.locale.text("Handle"), ref, Style.PRIMARY)
        foremost = Buttons(self.locale).of_item(entry.plan, entry.item)[0]
        button = replace(foremost, ref=str(replace(Ref.parse(foremost.ref), view=View.DIGEST)))
        return button if first else replace(button, field=None)

    def _word(self, entry: Entry) -> str:
        """Return the word of an item's state; that of its run is more exact."""
        run = entry.item.run
        says_run = entry.weight in (Weight.BAD, Weight.PERSON) and run and entry.item.type == "workflow"
        return self.locale.text(label(run.status) if run and says_run else _STATES[entry.weight].word)

    def _line(self, entry: Entry) -> Line:
        """Return the plan of an item, and what somebody has to know for the next step."""
        text, plan, item, run = self.locale.text, entry.plan, entry.item, entry.item.run
        more: Line = ()
        if entry.weight is Weight.LATER and not plan.window_open:
            more = self.locale.spans("The release window opens at {start}.", start=plan.window.start)
        elif entry.weight is Weight.LATER:
            more = line(text("after: {items}", items=join_names(other.name for other in plan.blockers(item))))
        elif run and run.message and item.type == "workflow":
            more = line(shorten(self.locale.message(run.message), _DETAIL_LIMIT))
        return join_lines([line(plan.name), more])

    def _body(self, entry: Entry) -> Body:
        """Return the first lines of what an item asks to do by hand, as far as it was loaded."""
        item = entry.item
        if entry.weight is not Weight.PERSON or item.type != "text" or not item.spec:
            return ()
        parts = describe_text(str(item.spec.get("content", "")))
        return tuple(each for part in parts for each in show_part(part, self.locale))


def _tone(now: Sequence[Entry]) -> Tone:
    if not now:
        return Tone.NEUTRAL
    return Tone.BAD if now[0].weight is Weight.BAD else Tone.WAITING
