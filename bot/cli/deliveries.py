"""`fabu deliveries`: lists the deliveries to outside systems, shows one, and replays those that have ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.access import pass_api
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import terminal_locale
from bot.cli.show import TABLE, print_json, table_of, terminal

if TYPE_CHECKING:
    from bot.cli.client import Api

app = typer.Typer(no_args_is_help=True, help="See what was delivered to outside systems, and deliver it again.")

_State = Annotated[str, typer.Option(metavar="STATE", help="Only these: pending, sending, done or dead (given up).")]


@app.command("list")
@pass_api
def list_deliveries(
    api: Api,
    plan: Annotated[str, typer.Option(metavar="N", help="Only those of plan N.")] = "",
    state: _State = "",
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """List deliveries: hooks, runs and cards, with their state and the last error."""
    from bot.cli.client import plan_path

    path = plan_path(plan, "deliveries") if plan else "/deliveries"
    found = list(api.pages(path, {"state": state}, limit + 1))
    if more := found[limit:]:
        found = found[:limit]
    if as_json:
        print_json(found)
        return
    locale, rows = terminal_locale(), []
    for each in found:
        since = locale.time(datetime.fromisoformat(each["created_at"])) if each["created_at"] else ""
        what = f"hook {each['ref']}" if each["kind"] == "hook" else each["kind"]  # refs of other kinds are ids
        rows.append((each["id"], each["destination"], what, each["state"], str(each["attempts"]), since, each["error"]))
    table = table_of(("id", "to", "what", "state", "tries", "since", "error"), rows)
    terminal(TABLE).print(table if rows else "There are no such deliveries.")
    if more:
        typer.echo(f"There are more; --limit {2 * limit} shows as many.", err=True)


@app.command()
@pass_api
def show(
    api: Api,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="The delivery, from `fabu deliveries list`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """Show one delivery: every try, how long it took, and what the other side answered."""
    from urllib.parse import quote

    found = api.call("GET", f"/deliveries/{quote(delivery, safe='')}")
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['kind']} {found['ref']} to {found['destination']}: {found['state']}")
    locale, rows = terminal_locale(), []
    for each in found["tries"]:
        at = locale.time(datetime.fromisoformat(each["at"]))
        rows.append((at, f"{each['ms']} ms", str(each["status"] or ""), *_outcome(each)))
    table = table_of(("at", "took", "status", "error", "answer"), rows)
    terminal(TABLE).print(table if rows else "Nothing was tried yet.")


def _outcome(attempt: dict[str, str]) -> tuple[str, str]:
    return attempt["error"], " ".join(attempt["answer"].split())[:200]


@app.command()
@pass_api
def replay(
    api: Api,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="The deliveries, from `fabu deliveries list`.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="All that were given up since then.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="With --since: until then.")
    ] = None,
) -> None:
    """Deliver again what has ended: the deliveries named, or all that were given up in a time (administrators)."""
    if bool(ids) == bool(since):
        raise Failure("Name the deliveries, or the time with --since.", ExitCode.MISUSED)
    times = {"since": since, "until": until}
    body = {"ids": ids} if ids else {name: time.isoformat() for name, time in times.items() if time}
    count = api.call("POST", "/deliveries/replay", body=body)["replayed"]
    if not count:
        typer.echo("None of them has ended, so nothing is delivered again.")
        raise typer.Exit(ExitCode.FAILED)
    typer.echo(f"Deliveries that begin again: {count}.")
