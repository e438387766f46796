"""The cards of one plan: the plan card of a channel, the approval card of an approver, and notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.cards.asks import Asks
from bot.cards.buttons import Buttons, emphasize_one, link_to
from bot.cards.changes import Changes
from bot.cards.deciding import Contents
from bot.cards.items import ItemRows
from bot.cards.naming import shorten, title_of, title_of_item
from bot.cards.paging import PAGE_SIZE, Pages, paging_buttons, paging_sections
from bot.cards.stages import StageRows
from bot.cards.states import MARKS, state_of, state_of_item, weigh_item
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.richtext import to_plain
from bot.verbs import ChatVerb, word_for
from core.card import (
    Button,
    Card,
    Code,
    Form,
    Line,
    Notice,
    Part,
    Row,
    Section,
    State,
    Text,
    Tone,
    Weight,
    join_lines,
    line,
    paragraph,
    plain,
)
from core.commands import Verb
from core.errors import Problem
from core.people import Directory
from core.plan import Confirmation, Controls, Decision, Item, Plan
from core.revisions import Since
from core.status import PlanStatus
from core.text import join_names

_UNDECIDED: Final = frozenset(
    {
        PlanStatus.PLANNING,
        PlanStatus.FINISH_PLANNING,
        PlanStatus.WAIT_FOR_APPROVAL,
        PlanStatus.FINISH_CHECK,
        PlanStatus.FINISH_CHECK_FAILED,
    }
)
"""The statuses in which cards say what will run, and not how far it has come."""
_UNDER_WAY: Final = frozenset({PlanStatus.WAIT_FOR_APPROVAL, PlanStatus.EXECUTING})
"""The statuses in which people look at the items, and the first lines of a card name the release window."""
_DESCRIPTION_LIMIT: Final = 1500
"""The longest description on a card, in characters."""
_DIFF: Final = 12
"""How many lines of the difference of an item are shown on a card."""
_WHOLE: Final = 1000
"""How many lines of a difference are shown where that is all there is to show."""
_DIGEST: Final = 8
"""How many characters of the digest of a revision are shown."""


@dataclass(frozen=True, slots=True)
class PlanCards:
    """Makes the cards of plans in the language and time zone of `locale`.

    `reader` is the person who gets them; it is empty for cards that everybody in a channel sees. `is_page` is whether
    they stand on the plan's page.
    """

    locale: Locale
    directory: Directory
    public_url: str
    reader: str = ""
    is_page: bool = False

    def plan(self, plan: Plan, pages: Pages | None = None, since: Since | None = None) -> Card:
        """Return the full card: what the plan waits for, its items with their buttons, the approval and the content.

        With `pages`, the items are those of one page, in their order. Where there are others, nobody approves but on
        the web page, which shows all. While people decide on the plan, it begins with what has changed `since`.
        """
        contents = self._contents(plan)
        items = self._items(plan, contents)
        changes = self._changes(plan, since) if plan.status in _UNDECIDED else ()
        shown = (*changes, *self._touches(contents), *items.sections(pages))
        sections = (*paging_sections(pages, self.locale), *shown, *self._about(plan))
        buttons = Buttons(self.locale).of_plan(plan)
        if pages and pages.count > 1:
            buttons = tuple(self._review(plan) if each.verb == Verb.APPROVE else each for each in buttons)
        card = self._card(plan, sections, (*buttons, *paging_buttons(pages, self.locale)), contents)
        if plan.status in _UNDER_WAY and not pages:
            card = replace(card, picker=items.picker())
        if pages or len(plan.items) <= PAGE_SIZE:
            return card
        command = f"{word_for(ChatVerb.SHOW, self.locale.language)} {plan.number} {self.locale.text('page')} 1"
        hint = self.locale.spans("{command} lists the items in their order.", command=Code(command))
        return replace(card, foot=(*card.foot, hint))

    def with_unreached(self, card: Card, people: Iterable[str]) -> Card:
        """Return the card of a plan, with whom the request for their approval does not reach."""
        names = self.directory.names(sorted(people))
        missing = (Notice(line(self.locale.text("not reached: {names}", names=names)), Tone.WAITING),) if names else ()
        return replace(card, notices=(*card.notices, *missing))

    def with_missing(self, card: Card, problems: Iterable[Problem]) -> Card:
        """Return the card of a draft, with what has to be mended before it can be submitted."""
        text, problem = self.locale.text, self.locale.problem
        lines = (line(text("Before it can be submitted: {problem}", problem=problem(each))) for each in problems)
        return replace(card, notices=(*card.notices, *(Notice(each, Tone.WAITING) for each in lines)))

    def approval(self, plan: Plan, since: Since | None = None) -> Card:
        """Return the card for an approver: what is asked, what runs, and buttons to approve and reject.

        To a reader who was shown an earlier revision, it says first what has changed `since`. Once the reader has
        voted, it says how, and the contents are closed. What is cut of an item can be read whole, by the picker.
        """
        contents, asks = self._contents(plan), self._asks(plan)
        all_items = self._items(plan, contents)
        items = tuple(_without_buttons(each) for each in all_items.sections())
        buttons = Buttons(self.locale).of_verbs(plan, Verb.APPROVE, Verb.REJECT)
        changes = self._changes(plan, since)
        again = since is not None and not since.success
        if again:
            items = tuple(replace(section, folded=True) for section in items)
        card = self._card(plan, (*changes, *self._touches(contents), *items, *self._about(plan)), buttons, contents)
        card = replace(card, ask=asks.of_approval(again=again))
        if handed := asks.handed_over():
            return replace(card, ask=(handed, *card.ask[1:]), buttons=(), review=None)
        if vote := asks.own_vote:
            tone = Tone.GOOD if vote.decision is Decision.APPROVE else Tone.BAD
            folded = tuple(replace(section, folded=True) for section in card.sections)
            state = State(tone, MARKS[tone], self.locale.text(label(vote.decision)))
            summary = f"{card.title}: {plain(card.ask[0])}"
            return replace(card, state=state, sections=folded, summary=summary)
        return replace(card, summary=self._summarize_request(plan, card), picker=all_items.picker())

    def difference(self, plan: Plan, since: Since) -> Card:
        """Return the card with what differs between two revisions, as far as it finds room; the page has the rest."""
        text, comparison = self.locale.text, since.comparison
        changes = Changes(self.locale, comparison, limit=_WHOLE)
        old = f"#{since.success}" if since.success else comparison.against or "∅"
        compared = text("Revision {new}, compared with {old}", new=comparison.revision, old=old)
        rows = changes.rows()
        ask = (line(compared), *(() if rows else (line(text("Nothing differs.")),)))
        title = title_of(plan)
        state = state_of(plan, self.locale)
        return Card(title, f"{title}: {compared}", state, ask, sections=(Section(rows=rows),), more=self._open(plan))

    def _changes(self, plan: Plan, since: Since | None) -> tuple[Section, ...]:
        """Return what has changed since the revision that the reader saw before, and what has not.

        To a reader who saw none, what differs from the last success is worth knowing, but no more than what will run.
        """
        if since is None:
            return ()
        text, changes = self.locale.text, Changes(self.locale, since.comparison, _WHOLE if self.is_page else _DIFF)
        if since.success:
            rows = tuple(replace(row, weight=Weight.SAME) for row in changes.rows())
            title = text("Since #{number}, which succeeded last", number=since.success)
            return (Section(title, rows or (Row(body=(line(text("Nothing differs.")),)),), part=Part.CHANGES),)
        title = text("Changed since revision {revision}", revision=since.comparison.against)
        if since.rejected is not None:
            title = text("Changed since revision {revision}, which you rejected", revision=since.comparison.against)
        said = (Row(weight=Weight.YOURS, body=(line(f"“{since.rejected}”"),)),) if since.rejected else ()
        same = [item.name for item in plan.items_in_order if item.key not in changes.keys]
        unchanged = text("Unchanged {count}: {names}", count=len(same), names=join_names(same)) if same else ""
        rest = (Row(weight=Weight.SAME, body=(line(unchanged),)),) if unchanged else ()
        return (Section(title, (*said, *changes.rows(), *rest), part=Part.CHANGES),)

    def notice(self, plan: Plan, item_id: str = "") -> Card:
        """Return the card that notifies of the plan's status, or of the failed run of an item."""
        if item := plan.items.get(item_id):
            return self._item_notice(plan, item)
        text = self.locale.text
        show = Button(ChatVerb.SHOW, text("Show"), plan.ref)
        card = self._card(
            plan,
            StageRows(self.locale, self.directory, plan).sections(),
            Buttons(self.locale).of_notice(plan) or (show,),
        )
        passed = text("The external check passed: {event}", event=plan.passed_check) if plan.passed_check else ""
        if plan.status is PlanStatus.WAIT_FOR_APPROVAL and (done := plan.approval.stages[: plan.approval.current]):
            passed = text("Stage {stage} is complete", stage=done[-1].name)
        ask = tuple(each for each in (line(passed), *card.ask) if each)[:2]
        said = (*(each.line for each in card.notices), *ask)
        summary = " ".join(filter(None, map(plain, said)))
        return replace(card, ask=ask, summary=f"{card.summary}. {summary}" if summary else card.summary)

    def reminder(self, plan: Plan, now: datetime) -> Card:
        """Return the card that reminds an approver: how long is left, the worst that can happen, and the buttons.

        The approval card above it says what will run.
        """
        buttons = Buttons(self.locale).of_verbs(plan, Verb.APPROVE, Verb.REJECT)
        card = self._card(plan, (), buttons, self._contents(plan))
        ask = self._asks(plan).of_reminder(now)
        news = " ".join(filter(None, map(plain, (*ask, *(each.line for each in card.notices[:1])))))
        review = (card.review,) if card.review else ()
        more, summary = None if review else card.more, f"{card.title}: {news}"
        return replace(
            card, ask=ask, notices=card.notices[:1], buttons=(*card.buttons, *review), more=more, summary=summary
        )

    def replaced(self, plan: Plan, revision: int) -> Card:
        """Return what is left of a card that asked for something of an older revision: which one replaces it."""
        text, title = self.locale.text, title_of(plan)
        note = text("Replaced by revision {revision}.", revision=plan.revision)
        return Card(
            title,
            f"{title}: {note}",
            State(Tone.NEUTRAL, MARKS[Tone.NEUTRAL], text("replaced")),
            (line(note),),
            foot=(line(text("revision {revision}", revision=revision)),),
            more=self._open(plan),
        )

    def form(self, plan: Plan, verb: str, ref: str) -> Form | None:
        """Return the form that a button of the plan's card opens; None when the button has no field or does not exist.

        `verb` and `ref` are those of the button.
        """
        make = Buttons(self.locale)
        buttons = {plan.ref: (plan.name, make.of_plan(plan))} | {
            plan.item_ref(item.id): (item.name, make.of_item(plan, item)) for item in plan.items.values()
        }
        name, offered = buttons.get(ref, ("", ()))
        for button in offered:
            if button.verb == verb and button.field:
                return Form(verb, ref, f"{button.label}: {name}", button.label, (button.field,))
        return None

    def _item_notice(self, plan: Plan, item: Item) -> Card:
        """Return the card of an item whose run failed: what it said, what waits for it, and its buttons.

        Its state is that of the item; that of the plan is in the second line.
        """
        weight = weigh_item(plan, item)
        state = state_of_item(item, weight, self.locale)
        rows = self._items(plan, None)
        card, news = self._card(plan, (Section(rows=(rows.row(item),)),), ()), f"{title_of_item(item)}: {state.word}"
        whole = line(f"{card.state.mark} {card.state.word}")
        ask = (Text(news, strong=True),), join_lines([whole, rows.waiting_for(item)])
        return replace(card, state=state, ask=ask, summary=f"{card.title}: {news}")

    def _contents(self, plan: Plan) -> Contents | None:
        """Return what the plan does, for those who decide on it: until it is executed, and where specs are loaded."""
        if plan.status not in _UNDECIDED or all(item.spec is None for item in plan.items.values()):
            return None
        return Contents.of(plan, self.locale)

    def _items(self, plan: Plan, contents: Contents | None) -> ItemRows:
        return ItemRows(self.locale, self.directory, plan, contents, self.reader)

    def _asks(self, plan: Plan) -> Asks:
        return Asks(self.locale, self.directory, plan, self.reader)

    def _summarize_request(self, plan: Plan, card: Card) -> str:
        """Return the line that notifies an approver: who asks for what, by when, and the worst risk."""
        if plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
            return card.summary
        text = self.locale.text
        ask = text(
            "{manager} asks for your approval: {plan}", manager=self.directory.name(plan.manager), plan=card.title
        )
        if deadline := plan.approval.deadline:
            ask = text("{ask}, by {deadline}", ask=ask, deadline=deadline)
        return text("{ask}; risk: {risk}", ask=ask, risk=plain(card.notices[0].line)) if card.notices else ask

    def _card(
        self,
        plan: Plan,
        sections: Iterable[Section],
        buttons: tuple[Button, ...],
        contents: Contents | None = None,
    ) -> Card:
        """Return a card with the frame that all cards of a plan have in common.

        Who approves in spite of a risk is asked once more, with the risk; and where not all that is risky finds room,
        the page takes the place of the button.
        """
        asks, state = self._asks(plan), state_of(plan, self.locale)
        notices = (*asks.revoked(), *(contents.notices() if contents else ()))
        risk = plain(notices[0].line) if notices else ""
        offers_approval = any(button.verb == Verb.APPROVE for button in buttons)
        card = Card(
            title=title_of(plan),
            summary=f"{title_of(plan)}: {state.word}",
            state=state,
            ask=asks.of_plan(),
            notices=notices,
            sections=tuple(sections),
            buttons=tuple(self._confirmed(button, risk) for button in self._leading_to_page(plan, buttons)),
            foot=tuple(self._foot(plan)),
            more=self._open(plan),
            review=self._review(plan) if offers_approval else None,
        )
        return emphasize_one(card)

    def _leading_to_page(self, plan: Plan, buttons: tuple[Button, ...]) -> tuple[Button, ...]:
        """Return the link to the page in place of the buttons that vote, where a policy takes votes there alone."""
        votes = [button for button in buttons if button.verb in (Verb.APPROVE, Verb.REJECT)]
        on_page_alone = plan.controls is not None and plan.controls.confirm is Confirmation.PAGE
        if self.is_page or not votes or not on_page_alone:
            return buttons
        return (self._review(plan), *(button for button in buttons if button not in votes))

    def _confirmed(self, button: Button, risk: str) -> Button:
        if button.verb != Verb.APPROVE or not risk:
            return button
        return replace(button, confirm=self.locale.text("{risk}. Approve it nevertheless?", risk=risk))

    def _open(self, plan: Plan) -> Button:
        return self._page(plan, self.locale.text("Open"))

    def _review(self, plan: Plan) -> Button:
        return self._page(plan, self.locale.text("Review and approve"))

    def _page(self, plan: Plan, name: str) -> Button:
        return link_to(name, self.public_url, plan)

    def _touches(self, contents: Contents | None) -> Iterator[Section]:
        """Yield what the plan touches, without which nobody decides by a button."""
        if contents and (touches := contents.touches()):
            yield Section(self.locale.text("Touches"), (Row(weight=Weight.RISKY, body=(touches,)),), part=Part.TOUCHES)

    def _about(self, plan: Plan) -> Iterator[Section]:
        """Yield the approval, and what the author says of the release."""
        yield from StageRows(self.locale, self.directory, plan).sections()
        description = to_plain(plan.content.description) if plan.content else ""
        if description:
            said = paragraph(
                *shorten(description, _DESCRIPTION_LIMIT).splitlines(), title=self.locale.text("Release content")
            )
            rows = tuple(replace(row, weight=Weight.DONE) for row in said.rows)
            yield replace(said, rows=rows, folded=plan.status not in _UNDECIDED)

    def _executors(self, controls: Controls | None) -> str:
        """Return who alone may execute by the policies; empty if they leave it to the plan."""
        if controls is None:
            return ""
        lists = [self.directory.names(names) for names in controls.executors]
        rule = (self.locale.text("not who approved"),) if controls.separate_executor else ()
        return "; ".join((*lists, *rule))

    def _foot(self, plan: Plan) -> Iterator[Line]:
        """Yield what is good to know: the revision and whose it is, when it may run, and what it belongs to."""
        text, name, asks = self.locale.text, self.directory.name, self._asks(plan)
        others = [name(person) for person in plan.editors if person != plan.manager]
        revision = [line(text("revision {revision}", revision=plan.revision))]
        revision += [(Code(plan.content_sha256[:_DIGEST]),)] if plan.content_sha256 else []
        revision += [line(text("manager: {name}", name=name(plan.manager)))]
        revision += [line(text("edited by {names}", names=join_names(others)))] if others else []
        yield join_lines(revision)
        if executors := self._executors(plan.controls):
            yield line(text("executors: {names}", names=executors))
        scheduled = self.locale.spans("scheduled for {time}", time=plan.schedule_at) if plan.schedule_at else ()
        window = () if plan.status in _UNDER_WAY else asks.window()
        if times := join_lines([window, scheduled]):
            yield times
        if plan.content and plan.content.jira_sprints:
            sprints = (str(each.get("sprint_name") or each.get("sprint_id", "")) for each in plan.content.jira_sprints)
            yield line(text("Jira sprints: {names}", names=join_names(sprints)))


def _without_buttons(section: Section) -> Section:
    return replace(section, rows=tuple(replace(row, buttons=()) for row in section.rows))
