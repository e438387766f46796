"""Commands and drafts made from requests: verbs with their text, the form of a new plan."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from bot.cards.refs import Ref
from bot.chat.naming import find_approvers
from bot.i18n import Locale
from bot.problems import problems_in
from core import commands as c
from core.card import Field, Form
from core.commands import Verb
from core.draft import PlanDraft, WindowDraft
from core.errors import Invalid, NotFound, Problem, Thing
from core.people import Directory
from core.text import ClockChangeError, remove_invisible
from core.verbs import VERBS, Argument, Target

MAX_TEXT = 4000
"""The longest comment, reason or remark, in characters."""


def make_command(verb: str, ref: Ref, text: str) -> c.PersonCommand:
    """Return the command for a verb that was typed or clicked; `text` is its argument, if the verb has one.

    Raises Invalid when the text is too long, and NotFound when there is no such verb or a text is not enough for it.
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
    """Return the form of a new plan, for chats that have dialogs."""
    text = locale.text
    fields = (
        Field(text("Name"), "name", required=True, value=name, max_length=200),
        Field(text("Release content"), "description", multiline=True),
        Field(
            text("Approvers"), "approvers", hint=text("names, ids or e-mail addresses, and @groups, such as bob, @sre")
        ),
        Field(text("Window"), "window", hint="2026-01-31 20:00 / 2026-01-31 22:00"),
        Field(
            text("Items, one per line"), "items", hint=text("Steps to do by hand; add workflows later"), multiline=True
        ),
    )
    return Form("new", "", text("New release plan"), text("Create"), fields)


def draft_from_form(values: Mapping[str, str], locale: Locale, directory: Directory) -> PlanDraft:
    """Return the draft in the values of the form of a new plan.

    Raises Invalid; `find_field` returns the form's field of each problem.
    """
    values = {name: remove_invisible(value) for name, value in values.items()}
    approvers = find_approvers(directory, values.get("approvers", ""))
    lines = [line.strip() for line in values.get("items", "").splitlines() if line.strip()]
    data = {
        "name": values.get("name", ""),
        "description": values.get("description", ""),
        "window": _parse_window(values.get("window", ""), locale),
        "approval": {"stages": [{"name": "1", "approvers": approvers}] if approvers else []},
        "items": [
            {"type": "text", "key": f"step{i}", "name": line, "content": line} for i, line in enumerate(lines, 1)
        ],
    }
    try:
        return PlanDraft.model_validate(data)
    except ValidationError as error:
        raise Invalid(*problems_in(error, data)) from None


def _parse_window(text: str, locale: Locale) -> WindowDraft:
    """Return the window in a text `start / end`, each of which may be empty. Raises Invalid."""
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


def find_field(problem: Problem) -> str:
    """Return the field of the form of a new plan that a problem of the draft belongs to."""
    first = problem.path.split(".")[0].split("[")[0]
    return {"approval": "approvers", "manager": "name"}.get(first, first)
