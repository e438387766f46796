"""From what a person asks to the engine's command: references of buttons, verbs with texts, the new-plan form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bot.i18n import Locale
from bot.problems import problems_in
from core import commands as c
from core.card import Field, Form
from core.commands import Verb
from core.draft import PlanDraft, WindowDraft
from core.errors import Invalid, NotFound, Problem, Thing
from core.text import ClockChangeError, remove_invisible
from core.verbs import VERBS, Argument, Target

MAX_TEXT = 4000
"""The longest comment, reason or remark, in characters."""


@dataclass(frozen=True, slots=True)
class Ref:
    """What a button refers to: a plan, the revision that was shown, perhaps an item."""

    plan_id: str
    nonce: str = ""
    item_id: str = ""

    @classmethod
    def parse(cls, ref: str) -> Ref:
        """Read a reference. Raises NotFound when it is none of ours."""
        parts = ref.split(".")
        if not parts[0] or len(parts) > 3:
            raise NotFound(Thing.PLAN, ref[:40])
        return cls(*parts)


def command_for(verb: str, ref: Ref, text: str) -> c.PersonCommand:
    """Return the command for a verb of the grammar or a button, with the text that came with it.

    Raises Invalid when the text is too long, and NotFound for a verb that is none, or takes more than a text.
    """
    if len(text) > MAX_TEXT:
        raise Invalid(Problem("text", "write at most {limit} characters", {"limit": MAX_TEXT}))
    spec = VERBS[Verb(verb)] if verb in set(Verb) else None
    if spec is None or spec.command is None:
        raise NotFound(Thing.COMMAND, verb)
    fields = {"plan_id": ref.plan_id, "nonce": ref.nonce}
    if spec.target is Target.ITEM:
        fields["item_id"] = ref.item_id
    if spec.argument:
        text = remove_invisible(text)
        fields[spec.argument.field] = text.lstrip("@") if spec.argument is Argument.PERSON else text
    return spec.command(**fields)


def new_plan_form(locale: Locale, name: str = "") -> Form:
    """Return the form that starts a plan in chats that have dialogs."""
    text = locale.text
    fields = (
        Field(text("Name"), "name", required=True, value=name, max_length=200),
        Field(text("Release content"), "description", multiline=True),
        Field(text("Approvers"), "approvers", hint=text("ids and @groups, such as bob, @sre")),
        Field(text("Window"), "window", hint="2026-01-31 20:00 / 2026-01-31 22:00"),
        Field(
            text("Items, one per line"), "items", hint=text("Steps to do by hand; add workflows later"), multiline=True
        ),
    )
    return Form("new", "", text("New release plan"), text("Create"), fields)


def draft_from_form(values: Mapping[str, str], locale: Locale) -> PlanDraft:
    """Read the new-plan form. Raises Invalid whose problems name the form's fields."""
    values = {name: remove_invisible(value) for name, value in values.items()}
    approvers = values.get("approvers", "").replace("，", ",").replace(",", " ").split()
    lines = [line.strip() for line in values.get("items", "").splitlines() if line.strip()]
    data = {
        "name": values.get("name", ""),
        "description": values.get("description", ""),
        "window": _window(values.get("window", ""), locale),
        "approval": {"stages": [{"name": "1", "approvers": approvers}] if approvers else []},
        "items": [
            {"type": "text", "key": f"step{i}", "name": line, "content": line} for i, line in enumerate(lines, 1)
        ],
    }
    try:
        return PlanDraft.model_validate(data)
    except ValidationError as error:
        raise Invalid(*problems_in(error, data)) from None


def _window(text: str, locale: Locale) -> WindowDraft:
    if not text.strip():
        return WindowDraft()
    start, _, end = text.partition("/")
    try:
        return WindowDraft(
            start=locale.parse_time(start) if start.strip() else None,
            end=locale.parse_time(end) if end.strip() else None,
        )
    except ClockChangeError:
        raise Invalid(clock_change("window")) from None
    except ValueError:
        raise Invalid(Problem("window", "write start / end, such as 2026-01-31 20:00 / 2026-01-31 22:00")) from None


def clock_change(path: str) -> Problem:
    """Return the problem of a field with a time that clocks show twice, or never."""
    return Problem(
        path, "clocks change at this time: write its offset from UTC after it, such as 2026-11-01 01:30-04:00"
    )


def field_of(problem: Problem) -> str:
    """Return the field of the new-plan form that a problem of the draft is about."""
    first = problem.path.split(".")[0].split("[")[0]
    return {"approval": "approvers", "manager": "name"}.get(first, first)
