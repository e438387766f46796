"""What people who decide on a plan must see at once: what it touches, what is a risk, and the lines that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bot.cards.contents import Part, describe_text, describe_workflow
from bot.cards.statements import parse_statements
from bot.i18n import Locale
from core.plan import Item, Plan
from core.text import reveal_invisible
from core.workflow import Reach, SqlSpec, Workflow, reach_of

_NOTICES: Final = 3
"""How many notices a card has; the others are counted."""
_NAMES: Final = 6
"""How many names of one sort are listed; the others are counted."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a plan does, item by item. Items whose specs are not loaded are left out."""

    locale: Locale
    plan: Plan
    parts: dict[str, list[Part]]
    workflows: list[Workflow]

    @classmethod
    def of(cls, plan: Plan, locale: Locale) -> Contents:
        """Read the specs of a plan's items."""
        parts: dict[str, list[Part]] = {}
        workflows: list[Workflow] = []
        for item in plan.items_in_order:
            if item.spec is not None and item.type == "text":
                parts[item.id] = describe_text(str(item.spec.get("content", "")))
            elif item.spec is not None:
                workflow = Workflow.model_validate(item.spec)
                parts[item.id] = describe_workflow(workflow)
                workflows.append(workflow)
        return cls(locale, plan, parts, workflows)

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return what an item does: a line of facts for each of its jobs, and the lines that matter."""
        return tuple(line for part in self.parts.get(item.id, ()) for line in self._lines(part))

    def _lines(self, part: Part) -> Iterator[str]:
        if part.facts:
            yield " · ".join(part.facts)
        yield from part.lines
        if part.more:
            yield self.locale.text("+{count} lines", count=part.more)

    def is_risky(self, item: Item) -> bool:
        """Return whether something in an item cannot be taken back, or cannot be read."""
        return any(part.risks for part in self.parts.get(item.id, ()))

    def notices(self) -> tuple[str, ...]:
        """Return one line for each item that is a risk, and a count of those that find no room."""
        found = [notice for item_id in self.parts if (notice := self._notice(self.plan.items[item_id]))]
        more = [self.locale.text("+{count} more risks", count=len(found) - _NOTICES)] if len(found) > _NOTICES else []
        return (*found[:_NOTICES], *more)

    def _notice(self, item: Item) -> str:
        risks = [risk for part in self.parts[item.id] for risk in part.risks]
        if not risks:
            return ""
        what = ", ".join(dict.fromkeys(map(self.locale.message, risks)))
        return self.locale.text("{position}. {item}: {risks}", position=item.position, item=item.name, risks=what)

    def touches(self) -> str:
        """Return what the workflows of the plan touch: environments, those of production first, services and so on."""
        reaches = [reach_of(workflow) for workflow in self.workflows]
        return " · ".join(part for part in self._touches(reaches, dict(_statements(self.workflows))) if part)

    def _touches(self, reaches: list[Reach], statements: dict[str, str]) -> Iterator[str]:
        text = self.locale.text
        production = dict.fromkeys(name for reach in reaches for name in reach.production)
        others = dict.fromkeys(name for reach in reaches for name in reach.environments if name not in production)
        yield _join([*(text("{environment} (production)", environment=name) for name in production), *others])
        yield _join(name for reach in reaches for name in reach.services)
        databases = dict.fromkeys(name for reach in reaches for name in reach.databases if name)
        yield _join(
            text("database {name} ({statements})", name=name, statements=statements.get(name, "?"))
            for name in databases
        )
        if keys := sum(len(reach.keys) for reach in reaches):
            yield text("configuration keys: {count}", count=keys)
        if unclear := _join(name for reach in reaches for name in reach.unclear):
            yield text("environment not known: {jobs}", jobs=unclear)


def _statements(workflows: Iterable[Workflow]) -> Iterator[tuple[str, str]]:
    """Yield each database with the kinds of statement that run on it."""
    kinds: dict[str, dict[str, None]] = {}
    for workflow in workflows:
        for spec in (job.spec for stage in workflow.stages for job in stage.jobs if job.runs):
            if isinstance(spec, SqlSpec):
                kinds.setdefault(spec.id, {}).update(dict.fromkeys(each.kind for each in parse_statements(spec.sql)))
    return ((database, ", ".join(found)) for database, found in kinds.items())


def _join(names: Iterable[str]) -> str:
    every = [reveal_invisible(name) for name in dict.fromkeys(names) if name]
    more = f" +{len(every) - _NAMES}" if len(every) > _NAMES else ""
    return ", ".join(every[:_NAMES]) + more
