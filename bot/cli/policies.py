"""`fabu policy`: the policies of a running server, and which of them fit a plan. `print_preview` is for `fabu plan`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.access import pass_api
from bot.cli.options import terminal_locale
from bot.cli.show import TABLE, print_json, table_of, terminal
from core.text import remove_invisible

if TYPE_CHECKING:
    from bot.cli.client import Api

Json = dict[str, Any]

app = typer.Typer(no_args_is_help=True, help="Read the policies of approval, and try them on plans.")

PlanOrFile = Annotated[
    str, typer.Argument(metavar="N|FILE", help="The number of a plan, or a plan file; - reads it from stdin.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]


@app.command("list")
@pass_api
def list_policies(api: Api, as_json: AsJson = False) -> None:
    """List the policies in the order in which they apply."""
    answer = api.call("GET", "/policies")
    if as_json:
        print_json(answer)
        return
    text = terminal_locale().text
    rows = [
        (policy["name"], policy["reason"], _condition(policy["when"]), "\n".join(_demands(policy)))
        for policy in answer["policies"]
    ]
    table = table_of((text("Policy"), text("Reason"), text("Fits"), text("Demands")), rows)
    terminal(TABLE).print(table if rows else text("There are no policies."))
    typer.echo(text("Plans that need somebody else's vote in any case: {required}", required=answer["required"]))


@app.command("test")
@pass_api
def try_policies(api: Api, plan: PlanOrFile, as_json: AsJson = False) -> None:
    """Tell which policies fit a plan, why, and which stages come of it; nothing is changed."""
    answer = preview_of(api, plan)
    if as_json:
        print_json(answer)
    else:
        typer.echo("\n".join(_fitting(answer)))


def preview_of(api: Api, plan: str) -> Json:
    """Return what the server foresees of a plan, or of a plan file; a file with a number changes that plan.

    Raises Failure when there is no such plan, or the file is not one.
    """
    from bot.cli.client import plan_path
    from bot.cli.planfile import read_plan

    document: Json = {}
    number = plan
    if plan == "-" or Path(plan).suffix or Path(plan).is_file():
        document, number = read_plan(Path(plan))
    path = plan_path(number, "check") if number else "/plans/check"
    answer: Json = api.call("POST", path, body=document)
    return answer


def print_preview(answer: Json) -> None:
    """Print the problems of a plan, and the policies that fit it."""
    text = terminal_locale().text
    problems = [f"  • {problem['path']}: {problem['message']}" for problem in answer["problems"]]
    heading = text("To be mended before it can be submitted:") if problems else text("It can be submitted as it is.")
    typer.echo(remove_invisible("\n".join((heading, *problems))))
    typer.echo("\n".join(_fitting(answer)))


def _fitting(answer: Json) -> Iterator[str]:
    text = terminal_locale().text
    if not answer["policies"]:
        yield text("No policy fits.")
    for policy in answer["policies"]:
        because = text("because: {reason}", reason=policy["reason"]) if policy["reason"] else ""
        items = text("fits: {items}", items=", ".join(policy["items"]))
        yield remove_invisible(" · ".join(part for part in (policy["name"], because, items) if part))
        yield from (f"  + {_stage(stage)}" for stage in policy["stages"])


def _condition(when: Json) -> str:
    given = [f"{key}: {', '.join(patterns)}" for key, patterns in when.items() if patterns]
    return "\n".join(given) or terminal_locale().text("all plans")


def _demands(policy: Json) -> Iterator[str]:
    text = terminal_locale().text
    yield from map(_stage, policy["stages"])
    if policy["executors"]:
        yield text("Only these execute: {executors}", executors=", ".join(policy["executors"]))
    if policy["separate_executor"]:
        yield text("Whoever approved does not execute")
    if policy["confirm"] == "page":
        yield text("Votes on the page alone")
    if policy["max_window"]:
        yield text("A window of {longest} at most", longest=policy["max_window"])


def _stage(stage: Json) -> str:
    return remove_invisible(f"{stage['name']}: {', '.join(stage['approvers'])} ({stage['rule']}, {stage['channel']})")
