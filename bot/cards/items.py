"""The rows of a plan's items: what they do while people decide on it, and what needs somebody while it is executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.cards.buttons import Buttons
from bot.cards.contents import describe_text
from bot.cards.deciding import Contents, show_part
from bot.cards.grouping import group_rows
from bot.cards.naming import name_positions, shorten, title_of_item
from bot.cards.paging import Pages
from bot.cards.refs import Ref
from bot.cards.states import state_of_item, weigh_item
from bot.i18n import Locale
from bot.verbs import ChatVerb
from core.card import (
    Body,
    Code,
    Excerpt,
    ExcerptKind,
    Line,
    Option,
    Picker,
    Row,
    Section,
    Show,
    State,
    Tone,
    Weight,
    join_lines,
    line,
)
from core.people import Directory
from core.plan import Item, Plan
from core.status import ItemStatus
from core.text import join_names, reveal_invisible
from core.workflow import Workflow

_LINE: Final = 300
"""The longest message of a run or remark in a row, in characters."""
_OUTPUT: Final = (4, 120)
"""How many lines of what a failed run says a row has, and how many characters each of them."""
_OPTIONS: Final = 100
"""How many items there are to pick from; nobody looks through more."""
_OPTION: Final = 50
"""How long the name of an item to pick is, in characters."""
_NEEDS_SOMEBODY: Final = Weight.RUNNING
"""The lightest weight of the rows that a card of a plan under way begins with."""


@dataclass(frozen=True, slots=True)
class ItemRows:
    """Makes the rows of one plan's items for one reader, or for everybody if `reader` is empty.

    With `contents`, people have still to decide on the plan, and the rows say what will run.
    """

    locale: Locale
    directory: Directory
    plan: Plan
    contents: Contents | None = None
    reader: str = ""

    def sections(self, pages: Pages | None = None) -> tuple[Section, ...]:
        """Return the items: by need while the plan is under way, and else in their order; with `pages`, one page."""
        items = self.plan.items_in_order
        if not items:
            return ()
        title = self.locale.text("Release items {count}", count=len(items))
        if pages:
            return (Section(title, tuple(map(self.row, pages.part(items)))),)
        rows = [(item, self.row(item)) for item in items]
        return (Section(title, self._group(rows)),) if self.contents else tuple(self._by_need(rows))

    def picker(self) -> Picker | None:
        """Return the list to look at any item, or at those that readers need most, in their order.

        None where it would take the place of contents that people have to decide on: of more than it has room for.
        """
        plan = self.plan
        if not plan.items or (self.contents and len(plan.items) > _OPTIONS):
            return None
        needed = sorted(plan.items_in_order, key=lambda item: weigh_item(plan, item))[:_OPTIONS]
        options = []
        for item in sorted(needed, key=lambda item: item.position):
            mark = "" if self.contents else f"{state_of_item(item, weigh_item(plan, item), self.locale).mark} "
            label = shorten(f"{mark}{title_of_item(item)}", _OPTION)
            options.append(Option(label, str(Ref(plan.id, item_id=item.id))))
        return Picker(self.locale.text("Any item…"), ChatVerb.SHOW, tuple(options))

    def counts(self) -> Line:
        """Return how many items are in each state but the last, heaviest first: `❌ 1 failed · ▶️ 2 ready`."""
        weighed = ((weigh_item(self.plan, item), item) for item in self.plan.items.values())
        states = ((weight, state_of_item(item, weight, self.locale)) for weight, item in weighed)
        counts = Counter((weight, state.mark, state.word) for weight, state in states if weight is not Weight.DONE)
        return join_lines(line(f"{mark} {count} {word}") for (_, mark, word), count in sorted(counts.items()))

    def row(self, item: Item) -> Row:
        """Return the row of an item."""
        weight = weigh_item(self.plan, item)
        if self.contents and item.status is ItemStatus.TODO:
            return self._undecided(item, self.contents)
        is_theirs = weight in (Weight.PERSON, Weight.READY) and item.assignee and item.assignee == self.reader
        return Row(
            title_of_item(item),
            Weight.YOURS if is_theirs else weight,
            state_of_item(item, weight, self.locale),
            self._line(item, weight),
            self._body(item, weight),
            Buttons(self.locale).of_item(self.plan, item),
            item.run.url if item.run else "",
        )

    def _undecided(self, item: Item, contents: Contents) -> Row:
        """Return the row of an item on whose contents people have still to decide."""
        parts = [self._what(item), self._who(item), self._after(item)]
        risky = contents.is_risky(item)
        state = State(Tone.BAD, "⚠️", self.locale.text("risk")) if risky else State()
        weight = Weight.RISKY if risky else Weight.LATER
        return Row(title_of_item(item), weight, state, join_lines(parts), contents.body(item))

    def _line(self, item: Item, weight: Weight) -> Line:
        """Return what one must know of an item that is under way: workflow, people, blockers, message and remark."""
        run, parts = item.run, [self._what(item) if item.type == "workflow" else ()]
        parts += [line(self.locale.text("attempt {attempt}", attempt=run.attempt))] if run and run.attempt > 1 else []
        parts += _parameters(item.spec) if item.type == "workflow" and weight < Weight.LATER else []
        parts += [self._executed(item) if item.complete else self._who(item)]
        parts += [self._after(item)] if item.status is ItemStatus.TODO else []
        if run and run.message and not item.complete and weight is not Weight.BAD:
            parts.append(line(shorten(self.locale.message(run.message), _LINE)))
        parts.append(line(f"“{shorten(item.remark, _LINE)}”" if item.remark else ""))
        return join_lines(parts)

    def _body(self, item: Item, weight: Weight) -> Body:
        """Return what a failed run said at last, and what a person has to do by hand."""
        if weight is Weight.BAD and item.run and item.run.message:
            count, width = _OUTPUT
            lines = self.locale.message(item.run.message).splitlines()[-count:]
            return (Excerpt(ExcerptKind.OUTPUT, tuple(shorten(each, width) for each in lines)),)
        if weight is Weight.PERSON and item.type == "text" and item.spec is not None:
            parts = describe_text(str(item.spec.get("content", "")))
            return tuple(each for part in parts for each in show_part(part, self.locale))
        return ()

    def _what(self, item: Item) -> Line:
        if item.type == "text":
            return line(self.locale.text("by hand"))
        return line(Code(reveal_invisible(item.workflow)), f" ({item.runner})")

    def _who(self, item: Item) -> Line:
        return line(self.directory.name(item.assignee)) if item.assignee else ()

    def _executed(self, item: Item) -> Line:
        """Return who completed an item, and when."""
        if not item.executed_by:
            return self._who(item)
        name = self.directory.name(item.executed_by) if item.executed_by != "system" else self.locale.text("schedule")
        by = line(self.locale.text("by {person}", person=name))
        return join_lines([by, (self.locale.moment(item.executed_at),) if item.executed_at else ()])

    def waiting_for(self, item: Item) -> Line:
        """Return which items wait for one; empty if none do."""
        waiting = join_names(map(title_of_item, self.plan.waiting_for(item)))
        return line(self.locale.text("waiting for it: {items}", items=waiting)) if waiting else ()

    def _after(self, item: Item) -> Line:
        blockers = [other.position for other in self.plan.blockers(item)]
        return line(self.locale.text("after {items}", items=name_positions(blockers))) if blockers else ()

    def _by_need(self, rows: Sequence[tuple[Item, Row]]) -> Iterator[Section]:
        """Yield what needs somebody, then what comes later, then what was skipped and what is done."""
        text = self.locale.text
        now = sorted((pair for pair in rows if pair[1].weight <= _NEEDS_SOMEBODY), key=lambda pair: pair[1].weight)
        later = [(item, _quiet(row)) for item, row in rows if row.weight is Weight.LATER]
        skipped = [pair for pair in rows if pair[0].status is ItemStatus.SKIPPED]
        done = [pair for pair in rows if pair[0].status is ItemStatus.DONE]
        columns = (text("Item"), text("State"), text("Details"))
        if now:
            yield Section(text("Now {count}", count=len(now)), self._group(now), columns=columns)
        if later:
            yield Section(text("Later {count}", count=len(later)), self._group(later), Show.PROGRESS, columns=columns)
        if skipped:
            yield Section(text("Skipped {count}", count=len(skipped)), self._group(skipped))
        if done:
            title = text("Done {count}", count=len(done))
            yield Section(title, self._group(done), Show.PROGRESS, folded=True, columns=columns)

    def _group(self, rows: Sequence[tuple[Item, Row]]) -> tuple[Row, ...]:
        return group_rows(rows, self._target, self.locale)

    def _target(self, item: Item) -> str:
        """Return where an item runs: its runner with the project, and the environments as far as they are known."""
        environments = self.contents.target(item) if self.contents else ""
        return " · ".join(part for part in ("/".join(filter(None, (item.runner, item.project))), environments) if part)


def _quiet(row: Row) -> Row:
    """Return the row of an item that waits for others without its buttons: what can be done is in front of it."""
    return replace(row, buttons=())


def _parameters(spec: Mapping[str, Any] | None) -> list[Line]:
    """Return the parameters of a workflow that have a value, without credentials, and the names of its jobs.

    A job that is called as its workflow is not named again.
    """
    if not spec:
        return []
    workflow = Workflow.model_validate(spec)
    values = (f"{p.name}={p.value}" for p in workflow.params if p.value and not p.is_credential)
    jobs = (job.name for stage in workflow.stages for job in stage.jobs if job.name != workflow.name)
    parameters = [line(Code(shorten(reveal_invisible(each), _OUTPUT[1]))) for each in values]
    return [*parameters, line(reveal_invisible(join_names(jobs)))]
