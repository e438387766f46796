"""`fabu plan`: applies plan files to a running server, lists, shows and compares plans, and executes their verbs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import verbs
from bot.cli.access import pass_api
from bot.cli.failure import ExitCode
from bot.cli.options import terminal_locale
from bot.cli.policies import AsJson, PlanOrFile, preview_of, print_preview
from bot.cli.show import TABLE, print_json, reply_view, table_of, terminal
from bot.cli.verbs import PlanRef, print_status, status_text
from core.status import PlanStatus

if TYPE_CHECKING:
    from bot.cli.client import Api

app = typer.Typer(no_args_is_help=True, help="Work with the release plans of a running server.")

_ALL = 1_000_000
"""More entries than any log has."""


@app.command()
@pass_api
def apply(
    api: Api,
    file: Annotated[
        Path, typer.Argument(help="The plan in YAML or JSON, with the keys of POST /plans; - reads it from stdin.")
    ],
    plan: Annotated[
        str, typer.Option("--plan", metavar="N", help="Change plan N (also: a top-level `number` in the file).")
    ] = "",
    submit: Annotated[bool, typer.Option("--submit", help="Submit the plan afterwards.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Send every field of the file, also those that do not differ."),
    ] = False,
) -> None:
    """Create the plan that a file describes, or change what differs in an existing one."""
    from bot.cli.difftext import format_differences
    from bot.cli.planfile import changes, holds_credentials, read_plan

    document, number = read_plan(file)
    ref = plan or number
    if ref:
        before = api.plan(ref)
        found = changes(document, before)
        typer.echo(format_differences(found) or f"Nothing differs from plan #{before['number']}.")
        changed = set(document) if force else {each.field for each in found}
        if holds_credentials(document):
            typer.echo("Credentials are not shown; the server compares them while the plan is in planning.")
            changed |= {"items"} if before["status"] == PlanStatus.PLANNING else set()
        if changed and not dry_run:
            fields = {name: value for name, value in document.items() if name in changed}
            print_status(api.change(ref, before["revision"], fields))
    elif dry_run:
        typer.echo(f"A new plan would be started: {document['name']} (items: {len(document.get('items', ()))}).")
    else:
        created = api.create(document)
        ref = str(created["number"])
        print_status(created)
    if submit and not dry_run:
        print_status(api.act(ref, "submit"))


@app.command("list")
@pass_api
def list_plans(
    api: Api,
    which: Annotated[
        str,
        typer.Argument(metavar="[mine|STATUS]", help="Only what concerns you, or plans in this status (executing, …)."),
    ] = "",
    manager: Annotated[str, typer.Option(metavar="ID", help="Only plans that this person is responsible for.")] = "",
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only plans with this text in their name.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many plans to show, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List plans, or with `mine` what waits for you."""
    if which in ("mine", "我的"):
        terminal().print(reply_view(api.chat(text="list mine"), numbered=False))
        return
    plans = list(api.pages("/plans", {"status": which, "manager": manager, "q": search}, limit))
    if as_json:
        print_json(plans)
        return
    locale = terminal_locale()
    text = locale.text
    rows = [
        (
            str(plan["number"]),
            plan["name"],
            status_text(plan["status"]),
            plan["manager"],
            locale.time(datetime.fromisoformat(plan["updated_at"])),
        )
        for plan in plans
    ]
    table = table_of(("#", text("Name"), text("Status"), text("Manager"), text("Changed")), rows)
    terminal(TABLE).print(table if rows else text("There are no such plans."))


@app.command()
@pass_api
def show(
    api: Api,
    plan: PlanRef,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the plan until it is over; exit code 1 unless it succeeds.")
    ] = False,
    as_json: AsJson = False,
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print what is planned as a file for `fabu plan apply`.")
    ] = False,
) -> None:
    """Show a plan as a card, as JSON, or as a plan file."""
    if watch:
        from bot.cli.watch import follow

        if asyncio.run(follow(api, plan, terminal())) != PlanStatus.SUCCESS:
            raise typer.Exit(ExitCode.FAILED)
        return
    if as_json:
        print_json(api.plan(plan))
    elif yaml:
        from bot.cli.planfile import as_yaml

        typer.echo(as_yaml(api.plan(plan)), nl=False)
    else:
        _print_card(api, "show", plan)


@app.command()
@pass_api
def log(api: Api, plan: PlanRef, as_json: AsJson = False) -> None:
    """Tell who did what with a plan, the newest last; --json has every entry with its details."""
    if as_json:
        from bot.cli.client import plan_path

        print_json(list(api.pages(plan_path(plan, "log"), {}, _ALL)))
    else:
        _print_card(api, "log", plan)


@app.command()
@pass_api
def diff(
    api: Api,
    plan: PlanRef,
    revision: Annotated[int | None, typer.Argument(help="The revision to look at; the newest without.")] = None,
    against: Annotated[int | None, typer.Option(help="The revision to compare with; the one before without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a revision of a plan changed."""
    from bot.cli.client import plan_path

    number = revision or api.plan(plan)["revision"]
    query = {"against": str(against)} if against is not None else {}
    answer = api.call("GET", plan_path(plan, f"versions/{number}/diff"), query=query)
    if as_json:
        print_json(answer)
        return
    from bot.api.models import DiffAnswer
    from bot.cli.difftext import format_differences

    found = DiffAnswer.model_validate(answer)
    typer.echo(f"Revision {found.revision}, compared with {found.against or 'nothing'}:")
    typer.echo(format_differences(found.differences) or "  nothing differs")


@app.command()
@pass_api
def check(api: Api, plan: PlanOrFile, as_json: AsJson = False) -> None:
    """Tell what would come of submitting a plan or a plan file; exit code 1 when something is in the way."""
    answer = preview_of(api, plan)
    if as_json:
        print_json(answer)
    else:
        print_preview(answer)
    if answer["problems"]:
        raise typer.Exit(ExitCode.FAILED)


def _print_card(api: Api, verb: str, plan: str) -> None:
    """Print the card that a chat would answer with. Raises Failure when there is no such plan."""
    number = api.plan(plan)["number"]
    terminal().print(reply_view(api.chat(text=f"{verb} {number}"), numbered=False))


verbs.add_to(app)
