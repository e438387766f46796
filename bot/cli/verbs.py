"""What people do with plans and items, one command for each verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.access import connected
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import reader
from bot.cli.show import terminal
from bot.i18n.labels import label
from core.status import PlanStatus
from core.text import remove_invisible

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
_Reason = Annotated[list[str], typer.Argument(metavar="REASON", help="Why; everybody sees it.")]
_MaybeReason = Annotated[list[str] | None, typer.Argument(metavar="REASON", help="Why; everybody sees it.")]


def finish(api: Api, plan: PlanRef) -> None:
    """Declare the planning of a plan complete."""
    tell(api.act(plan, "finish"))


def submit(api: Api, plan: PlanRef) -> None:
    """Ask for approval; a plan that needs none may be executed at once."""
    tell(api.act(plan, "submit"))


def approve(
    api: Api,
    plan: PlanRef,
    comment: Annotated[list[str] | None, typer.Argument(metavar="COMMENT", help="A word to go with it.")] = None,
) -> None:
    """Approve a plan in its current stage."""
    tell(api.act(plan, "approve", comment=_joined(comment)))


def reject(api: Api, plan: PlanRef, reason: _Reason) -> None:
    """Reject a plan, and say why."""
    tell(api.act(plan, "reject", reason=_joined(reason)))


def delegate(
    api: Api, plan: PlanRef, person: Annotated[str, typer.Argument(metavar="ID", help="Who decides instead.")]
) -> None:
    """Let somebody else decide in your place."""
    tell(api.act(plan, "delegate", to=person.lstrip("@")))


def execute(
    api: Api,
    plan: PlanRef,
    item: _Item,
    remark: Annotated[list[str] | None, typer.Argument(metavar="REMARK", help="What came of it.")] = None,
) -> None:
    """Start the workflow of an item, or mark a step that was done by hand as done."""
    tell(api.act(plan, _of_item(api, plan, item, "execute"), remark=_joined(remark)))


def skip(api: Api, plan: PlanRef, item: _Item, reason: _Reason) -> None:
    """Leave an item out, and say why."""
    tell(api.act(plan, _of_item(api, plan, item, "skip"), reason=_joined(reason)))


def retry(api: Api, plan: PlanRef, item: _Item) -> None:
    """Run the workflow of a failed item again."""
    tell(api.act(plan, _of_item(api, plan, item, "retry")))


def replan(api: Api, plan: PlanRef, reason: _MaybeReason = None) -> None:
    """Take a plan back to planning; votes are void, and running workflows are stopped."""
    tell(api.act(plan, "replan", reason=_joined(reason)))


def cancel(api: Api, plan: PlanRef, reason: _MaybeReason = None) -> None:
    """Give a plan up for good; running workflows are stopped."""
    tell(api.act(plan, "cancel", reason=_joined(reason)))


def recheck(api: Api, plan: PlanRef) -> None:
    """Ask the external system again after its check failed."""
    tell(api.act(plan, "recheck"))


def delete(api: Api, plan: PlanRef) -> None:
    """Hide a plan that is being drafted or is over; its operation log stays."""
    api.delete(plan)
    terminal().print(f"#{plan.lstrip('#')} is deleted.")


def copy(
    api: Api, plan: PlanRef, name: Annotated[str, typer.Option(help="What the copy is called; the same without.")] = ""
) -> None:
    """Start a new plan from another one."""
    tell(api.act(plan, "copy", **({"name": name} if name else {})))


_COMMANDS = (
    finish, submit, approve, reject, delegate, execute, skip, retry, replan, cancel, recheck, delete, copy,
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add a command for each verb."""
    for command in _COMMANDS:
        app.command()(connected(command))


def tell(plan: dict[str, Any]) -> None:
    """Print where a plan stands now, and its page."""
    terminal().print(
        remove_invisible(f"#{plan['number']} {plan['name']}: {status_text(plan['status'])}  {plan['url']}")
    )


def status_text(status: str) -> str:
    """Return a plan's status as the reader of this terminal calls it."""
    return reader().text(label(PlanStatus(status)))


def _joined(words: list[str] | None) -> str:
    return " ".join(words or ())


def _of_item(api: Api, plan: str, wanted: str, verb: str) -> str:
    """Return the path of a verb on the item that is meant. Raises Failure unless it is exactly one."""
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
