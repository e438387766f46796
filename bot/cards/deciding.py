"""What people who decide on a plan must see at once: what it touches, what is a risk, and the lines that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.cards.contents import Part, describe_text, describe_workflow
from bot.cards.naming import count_more_lines, title_of_item
from bot.cards.statements import parse_statements
from bot.i18n import Locale
from core.card import Body, Excerpt, Line, Notice, Text, join_lines, line
from core.messages import Message
from core.plan import Item, Plan
from core.text import join_names, reveal_invisible
from core.workflow import SqlSpec, Workflow, reach_of

_NOTICES: Final = 3
"""How many notices a card has; the others are counted."""
_FACTS: Final = 12
"""How many facts of one part are listed; the others are counted."""
_PARTS: Final = 16
"""How many parts of one item are described, if not more are a risk; the others are counted."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a plan does, item by item. Items whose specs are not loaded are left out."""

    locale: Locale
    plan: Plan
    parts: dict[str, list[Part]]
    workflows: dict[str, Workflow]

    @classmethod
    def of(cls, plan: Plan, locale: Locale) -> Contents:
        """Read the specs of a plan's items."""
        parts: dict[str, list[Part]] = {}
        workflows: dict[str, Workflow] = {}
        for item in plan.items_in_order:
            if item.spec is not None and item.type == "text":
                parts[item.id] = describe_text(str(item.spec.get("content", "")))
            elif item.spec is not None:
                workflows[item.id] = Workflow.model_validate(item.spec)
                parts[item.id] = describe_workflow(workflows[item.id])
        return cls(locale, plan, parts, workflows)

    def body(self, item: Item) -> Body:
        """Return what an item does: a line of facts for each of its jobs, and the lines that matter; risks first."""
        parts = sorted(self.parts.get(item.id, ()), key=lambda part: not part.risks)
        shown = parts[: max(_PARTS, sum(bool(part.risks) for part in parts))]
        body = tuple(each for part in shown for each in show_part(part, self.locale))
        if hidden := len(parts) - len(shown):
            return (*body, line(self.locale.text("+{count} jobs", count=hidden)))
        return body

    def target(self, item: Item) -> str:
        """Return the environments that an item reaches; empty if it reaches none."""
        workflow = self.workflows.get(item.id)
        return join_names(map(reveal_invisible, dict.fromkeys(reach_of(workflow).environments))) if workflow else ""

    def is_risky(self, item: Item) -> bool:
        """Return whether something in an item cannot be taken back, or cannot be read."""
        return any(part.risks for part in self.parts.get(item.id, ()))

    def notices(self) -> tuple[Notice, ...]:
        """Return one line for each item that is a risk, and a count of those that find no room."""
        found = [self._notice(item) for item in self.plan.items_in_order if self.is_risky(item)]
        more = [self.locale.text("+{count} more risks", count=len(found) - _NOTICES)] if len(found) > _NOTICES else []
        return tuple(Notice(line(each)) for each in (*found[:_NOTICES], *more))

    def _notice(self, item: Item) -> str:
        risks = [risk for part in self.parts[item.id] for risk in part.risks]
        what = ", ".join(dict.fromkeys(map(self.locale.message, risks)))
        return self.locale.text("{item}: {risks}", item=title_of_item(item), risks=what)

    def touches(self) -> Line:
        """Return what the workflows of the plan touch: environments, those of production first, services and so on."""
        return join_lines(self._touches([*self.workflows.values()]))

    def _touches(self, workflows: list[Workflow]) -> Iterator[Line]:
        text, reaches, statements = self.locale.text, [*map(reach_of, workflows)], dict(_statements(workflows))
        production = dict.fromkeys(name for reach in reaches for name in reach.production)
        others = dict.fromkeys(name for reach in reaches for name in reach.environments if name not in production)
        if named := _join(map(partial(_in_production, self.locale), production)):
            yield (Text(named, strong=True),)
        yield line(_join(others))
        yield line(_join(name for reach in reaches for name in reach.services))
        databases = dict.fromkeys(name for reach in reaches for name in reach.databases if name)
        yield line(
            _join(
                text("database {name} ({statements})", name=name, statements=statements.get(name, "?"))
                for name in databases
            )
        )
        if keys := sum(len(reach.keys) for reach in reaches):
            yield line(text("configuration keys: {count}", count=keys))
        if unclear := _join(name for reach in reaches for name in reach.unclear):
            yield line(text("environment not known: {jobs}", jobs=unclear))


def show_part(part: Part, locale: Locale) -> Iterator[Line | Excerpt]:
    """Yield what one thing does that an item does: its facts in a line, and the lines that matter."""
    shown = part.facts[:_FACTS]
    if shown:
        more = line(f"+{len(part.facts) - len(shown)}") if len(part.facts) > len(shown) else ()
        spans = (Text(locale.message(fact), strong=True) if isinstance(fact, Message) else fact for fact in shown)
        yield join_lines([*((span,) for span in spans), more])
    if part.lines:
        yield Excerpt(part.kind, part.lines, count_more_lines(part.more, locale), part.language)


def _in_production(locale: Locale, name: str) -> str:
    return locale.text("{environment} (production)", environment=name)


def _statements(workflows: Iterable[Workflow]) -> Iterator[tuple[str, str]]:
    """Yield each database with the kinds of statement that run on it."""
    kinds: dict[str, dict[str, None]] = {}
    for workflow in workflows:
        for spec in (job.spec for stage in workflow.stages for job in stage.jobs if job.runs):
            if isinstance(spec, SqlSpec):
                kinds.setdefault(spec.id, {}).update(dict.fromkeys(each.kind for each in parse_statements(spec.sql)))
    return ((database, ", ".join(found)) for database, found in kinds.items())


def _join(names: Iterable[str]) -> str:
    return join_names(reveal_invisible(name) for name in dict.fromkeys(names) if name)
