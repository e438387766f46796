"""The commands for the verbs of plans and items, made from `core.verbs` and `bot.verbs`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.access import pass_api
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import terminal_locale
from bot.cli.show import reply_view, terminal
from bot.i18n.labels import label
from bot.verbs import WORDS
from core import commands as c
from core.commands import Verb
from core.status import PlanStatus
from core.text import remove_invisible
from core.verbs import VERBS, Argument, Target, VerbSpec

if TYPE_CHECKING:
    from bot.cli.client import Api

PlanRef = Annotated[str, typer.Argument(metavar="N", help="The number of the plan.", parser=remove_invisible)]
_Item = Annotated[
    str,
    typer.Argument(
        metavar="ITEM",
        help="The item: its position, its key, or a part of its name that no other has.",
        parser=remove_invisible,
    ),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not show it and ask: you know what it is.")]
_ARGUMENTS: Mapping[Argument, Any] = {
    Argument.COMMENT: Annotated[list[str] | None, typer.Argument(metavar="COMMENT", help="A word to go with it.")],
    Argument.REASON: Annotated[list[str], typer.Argument(metavar="REASON", help="Why; everybody sees it.")],
    Argument.OPTIONAL_REASON: Annotated[
        list[str] | None, typer.Argument(metavar="REASON", help="Why; everybody sees it.")
    ],
    Argument.REMARK: Annotated[list[str] | None, typer.Argument(metavar="REMARK", help="What came of it.")],
    Argument.PERSON: Annotated[str, typer.Argument(metavar="ID", help="Who decides instead.")],
}
"""The command-line parameters of the texts that verbs take."""


def add_to(app: typer.Typer) -> None:
    """Add a command for each verb that has a help text, and the commands `delete` and `copy`, which differ."""
    for command in (*(_command(verb) for verb in VERBS if WORDS[verb].cli_help), delete, copy):
        app.command()(pass_api(command))


def _command(verb: Verb) -> Callable[..., None]:
    """Return the command of a verb. It takes the plan, the item if the verb is about one, and the verb's text."""
    spec = VERBS[verb]

    def command(api: Api, plan: str, item: str = "", yes: bool = False, **texts: str | list[str] | None) -> None:
        if verb is Verb.APPROVE:
            revision = _ask_to_approve(api, plan, yes=yes)
            print_status(api.act(plan, verb.value, revision=revision, **_joined(texts)))
            return
        path = _item_path(api, plan, item, verb) if spec.target is Target.ITEM else verb.value
        print_status(api.act(plan, path, **_joined(texts)))

    command.__name__, command.__doc__ = verb.value, WORDS[verb].cli_help
    command.__signature__ = inspect.Signature(list(_parameters(spec)))  # type: ignore[attr-defined]
    return command


def _parameters(spec: VerbSpec) -> Iterator[inspect.Parameter]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    yield inspect.Parameter("api", kind)
    yield inspect.Parameter("plan", kind, annotation=PlanRef)
    if spec.target is Target.ITEM:
        yield inspect.Parameter("item", kind, annotation=_Item)
    if argument := spec.argument:
        default = inspect.Parameter.empty if argument.required else None
        yield inspect.Parameter(argument.field, kind, annotation=_ARGUMENTS[argument], default=default)
    if spec.command is c.Approve:
        yield inspect.Parameter("yes", kind, annotation=_Yes, default=False)


def _ask_to_approve(api: Api, plan: str, *, yes: bool) -> int:
    """Print what is to be approved, ask for it unless it was agreed to before, and return its revision.

    Raises Failure without a terminal, where nobody can see what it is, and when the answer is no.
    """
    shown = api.plan(plan)
    if not yes:
        terminal().print(reply_view(api.chat(text=f"show {shown['number']}"), numbered=False))
        if not sys.stdin.isatty():
            raise Failure("Nothing is approved: nobody can be asked here. Add --yes once you know what it is.")
        if not typer.confirm(f"Approve revision {shown['revision']}?"):
            raise Failure("Nothing is approved.")
    return int(shown["revision"])


def delete(api: Api, plan: PlanRef) -> None:
    """Hide a plan that is being drafted or is over; its operation log stays."""
    api.delete(plan)
    terminal().print(f"#{plan.lstrip('#')} is deleted.")


def copy(
    api: Api, plan: PlanRef, name: Annotated[str, typer.Option(help="What the copy is called; the same without.")] = ""
) -> None:
    """Start a new plan from another one."""
    print_status(api.act(plan, "copy", **({"name": name} if name else {})))


def print_status(plan: dict[str, Any]) -> None:
    """Print the status of a plan, and the URL of its page."""
    terminal().print(
        remove_invisible(f"#{plan['number']} {plan['name']}: {status_text(plan['status'])}  {plan['url']}")
    )


def status_text(status: str) -> str:
    """Return a plan's status in the language of this terminal."""
    return terminal_locale().text(label(PlanStatus(status)))


def _joined(texts: Mapping[str, str | list[str] | None]) -> dict[str, str]:
    return {field: _join(text) for field, text in texts.items()}


def _join(text: str | list[str] | None) -> str:
    return text if isinstance(text, str) else " ".join(text or ())


def _item_path(api: Api, plan: str, wanted: str, verb: str) -> str:
    """Return the path of a verb on an item that a person names. Raises Failure unless exactly one item fits."""
    items = api.plan(plan)["items"]
    exact = [item for item in items if wanted in (str(item["position"]), item["key"], item["id"])]
    found = exact[:1] or [item for item in items if wanted.lower() in item["name"].lower()]
    if len(found) != 1:
        meant = "\n".join(f"  {item['position']}. {item['name']} ({item['key']})" for item in found or items)
        text = "fits several items" if found else "fits no item"
        raise Failure(
            remove_invisible(f"“{wanted}” {text}; name one by its position or key:\n{meant}"), ExitCode.MISUSED
        )
    return f"items/{found[0]['id']}/{verb}"
