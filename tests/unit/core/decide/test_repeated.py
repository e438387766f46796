"""Every command again, too late, and on what is gone: one row for each, and a command without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, get_args

import pytest

from core import commands as c
from core import errors
from core.decide import decide
from core.draft import PlanPatch
from core.messages import Message
from core.people import SYSTEM, Directory
from core.plan import Channel
from core.status import HookEvent, RunStatus
from core.timers import TimerKind, timers_of
from tests.worlds import START, World, draft, stage, waiting_policy

REPORTS = (c.ReportRun, c.RefuseRun)
ON_ITEMS = (c.ItemCommand, *REPORTS)
Expected = list[str] | type[errors.FabuError]
"""The names of the events, or the error."""
Fields = dict[str, Any]

WINDOW = {"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}
PLAIN = replace(waiting_policy(), channels=frozenset(Channel))
CHECKED = waiting_policy(HookEvent.FINISH_PLANNING)
HOOK: Fields = {"endpoint": "ci", "event": HookEvent.START_EXECUTE}
REASON = Message("timeout")


@dataclass(frozen=True)
class Row:
    """A command that does something, and what the same command does afterwards.

    `moves_on` is what happens to the plan before a late command, and `moved_on` the result of that; `cancelled` is the
    result on a plan that was cancelled before, `gone` that on a deleted plan.
    """

    command: type[c.Command]
    ready: Callable[[World], Any]
    does: Expected
    twice: Expected
    moved_on: Expected
    cancelled: Expected
    by: str = "alice"
    fields: Callable[[World], Fields] = lambda _: {}
    moves_on: Callable[[World], Any] = lambda world: world.do(c.Replan)
    gone: Expected = errors.NotFound
    world: Callable[[], World] = lambda: World(PLAIN)
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.command.__name__


def planning(world: World) -> None:
    world.create(draft(stage("bob", "carol")))


def requested(world: World) -> None:
    """Approval is requested of two people, who may be reminded and have two hours."""
    approval = {"stages": [stage("bob", "carol"), stage("erin")], "remind_every": "10m", "expires_in": "2h"}
    world.create(draft(approval=approval, window=WINDOW, schedule_at=START + timedelta(hours=1)))
    world.do(c.Submit)


def form_requested(world: World) -> None:
    people = {name: replace(person, email=f"{name}@example.com") for name, person in world.directory.people.items()}
    world.directory = Directory(people, world.directory.groups)
    world.create(draft(stage("bob", "carol") | {"channel": "feishu_instance"}))
    world.do(c.Submit)


def form_open(world: World) -> None:
    form_requested(world)
    world.do(c.LinkForm, "system", stage=0, form="F1")


def executing(world: World) -> None:
    """Executing after an approval, with a run that has a window and a schedule."""
    world.create(draft(stage("bob"), window=WINDOW, schedule_at=START + timedelta(minutes=90)))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    world.clock.advance(timedelta(hours=1))


def running(world: World) -> None:
    executing(world)
    world.on_item(c.Execute, "deploy")


def waiting_run(world: World) -> None:
    running(world)
    world.report("deploy", RunStatus.WAITING)


def failed(world: World) -> None:
    running(world)
    world.report("deploy", RunStatus.FAILED)


def window_closed(world: World) -> None:
    executing(world)
    world.wait(hours=2)


def window_to_open(world: World) -> None:
    requested(world)
    for person in ("bob", "carol", "erin"):
        world.do(c.Approve, person)


def checking(world: World) -> None:
    world.create(draft())
    world.do(c.Finish)


def check_failed(world: World) -> None:
    checking(world)
    world.do(c.Callback, "system", **answer(world) | {"result": "failed"})


def answer(world: World) -> Fields:
    code = world.plan.instance_code
    return {"event": HookEvent.FINISH_PLANNING, "instance_code": code, "result": "success"}


def on(key: str, **fields: Any) -> Callable[[World], Fields]:
    return lambda world: {"item_id": world.item(key).id, **fields}


def report(status: RunStatus) -> Callable[[World], Fields]:
    def fields(world: World) -> Fields:
        run = world.item("deploy").run
        assert run is not None
        return {"item_id": world.item("deploy").id, "run_id": run.id, "status": status}

    return fields


def refusal(world: World) -> Fields:
    fields = report(RunStatus.FAILED)(world)
    return {"item_id": fields["item_id"], "run_id": fields["run_id"], "reason": Message("it was changed")}


def submit(world: World) -> None:
    world.do(c.Submit)


def timer(kind: TimerKind, ready: Callable[[World], Any], does: list[str], **fields: Any) -> Row:
    """Return the row of a timer, which does nothing once its plan has no such timer."""

    def due(world: World) -> Fields:
        return {"kind": kind, "due_at": timers_of(world.plan)[kind]}

    return Row(
        c.TimerFired, ready, does, [], [], [], by="system", fields=due, name=f"TimerFired {kind}", **fields
    )  # fmt: skip


def note(command: type[c.Command], event: str, given: Fields, gone: Expected = errors.NotFound) -> Row:
    """Return the row of a command that only writes to the log, whatever has become of the plan."""
    logged = [event]
    return Row(
        command, executing, logged, logged, logged, logged, by="system", gone=gone, fields=lambda _: given
    )  # fmt: skip


WRONG, NOT_READY, TWICE = errors.WrongStatus, errors.ItemNotReady, errors.AlreadyDecided
ROWS = (
    Row(c.Create, planning, WRONG, WRONG, WRONG, WRONG, fields=lambda _: {"draft": draft()}, moves_on=submit),
    Row(
        c.Edit, planning, ["edited"], errors.StaleRevision, WRONG, WRONG, moves_on=submit,
        fields=lambda _: {"patch": PlanPatch(name="Release 2"), "revision": 1},
    ),
    Row(c.Finish, planning, ["finished"], WRONG, WRONG, WRONG, moves_on=submit),
    Row(c.Submit, planning, ["finished", "submitted"], WRONG, WRONG, WRONG, moves_on=submit),
    Row(c.Delete, planning, ["deleted"], errors.NotFound, WRONG, ["deleted"], moves_on=submit),
    Row(c.Approve, requested, ["voted"], TWICE, WRONG, WRONG, by="bob"),
    Row(
        c.Approve, form_open, ["voted"], TWICE, WRONG, WRONG, by="bob@feishu_instance",
        fields=lambda _: {"form": "F1"}, name="Approve in a form",
    ),
    Row(
        c.Reject, requested, ["voted", "denied"], TWICE, WRONG, WRONG, by="bob",
        fields=lambda _: {"reason": "tests are red"},
    ),
    Row(
        c.Delegate, requested, ["delegated"], ["delegated"], WRONG, WRONG, by="bob", fields=lambda _: {"to": "dave"}
    ),
    Row(c.Execute, executing, ["item_done"], NOT_READY, WRONG, WRONG, fields=on("notes")),
    Row(
        c.Execute, executing, ["run_requested"], NOT_READY, WRONG, WRONG, fields=on("deploy"),
        name="Execute a workflow",
    ),
    Row(
        c.Execute, waiting_run, ["run_resumed"], NOT_READY, errors.Forbidden, errors.Forbidden, by="bob",
        fields=on("deploy", remark="go on"), name="Resume a run",
    ),
    Row(c.Skip, executing, ["item_skipped"], NOT_READY, WRONG, WRONG, fields=on("notes", reason="by hand")),
    Row(c.Retry, failed, ["run_requested"], NOT_READY, WRONG, WRONG, fields=on("deploy")),
    Row(c.Replan, requested, ["replanned"], WRONG, WRONG, WRONG),
    Row(c.Cancel, requested, ["cancelled"], WRONG, ["cancelled"], WRONG),
    Row(c.Recheck, check_failed, ["check_started"], WRONG, WRONG, WRONG, world=lambda: World(CHECKED)),
    Row(
        c.Callback, checking, ["check_passed"], ["check_repeated"], errors.WrongCode, WRONG, by="system",
        fields=answer, world=lambda: World(CHECKED),
    ),
    Row(
        c.ReportRun, running, ["run_ended"], [], ["run_ended"], ["run_ended"], by="system",
        fields=report(RunStatus.PASSED),
    ),
    Row(
        c.ReportRun, running, ["run_changed"], [], ["run_changed"], ["run_changed"], by="system",
        fields=report(RunStatus.RUNNING), name="ReportRun running",
    ),
    Row(
        c.RefuseRun, running, ["content_mismatch", "run_ended"], [], [], [],
        by="system", fields=refusal,
    ),
    Row(
        c.LinkForm, form_requested, ["form_linked"], [], [], [], by="system",
        fields=lambda _: {"stage": 0, "form": "F1"},
    ),
    Row(
        c.CloseForm, form_open, ["denied"], [], [], [], by="system",
        fields=lambda _: {"stage": 0, "form": "F1", "reason": Message("withdrawn")},
    ),
    Row(
        c.RevertForm, form_open, ["form_reverted"], [], [], ["form_reverted"], by="system",
        fields=lambda _: {"form": "F1"},
    ),
    Row(
        c.RefuseFormVoter, form_open, ["form_voter_refused"], ["form_voter_refused"], [], [], by="system",
        fields=lambda _: {"form": "F1", "person": "erin"},
    ),
    timer(TimerKind.SCHEDULE, executing, ["schedule_fired", "run_requested"]),
    timer(TimerKind.WINDOW_END, window_closed, ["timed_out"]),
    timer(TimerKind.APPROVAL_DEADLINE, requested, ["approval_expired"]),
    timer(TimerKind.APPROVAL_REMINDER, requested, ["reminded"]),
    timer(TimerKind.CHECK_DEADLINE, checking, ["check_failed"], world=lambda: World(CHECKED)),
    timer(TimerKind.CHECK_REMINDER, checking, ["check_reminded"], world=lambda: World(CHECKED)),
    timer(TimerKind.WINDOW_START, window_to_open, ["window_opened"]),
    note(c.NoteHookDelivered, "told", HOOK | {"delivery": "e1"}),
    note(c.NoteHookUndeliverable, "untold", HOOK | {"reason": REASON}),
    note(c.NoteEndpointDisabled, "endpoint_disabled", {"endpoint": "ci", "reason": REASON}, ["endpoint_disabled"]),
    note(c.NoteCardsRefused, "cards_refused", {"chat": "slack", "recipients": ("C1",), "reason": REASON}),
    note(c.Refuse, "refused", {"refused_verb": "edit", "code": "forbidden"}),
    Row(
        c.Replay, executing, ["replayed"], ["replayed"], ["replayed"], ["replayed"], by="root", gone=["replayed"],
        fields=lambda _: {"deliveries": ("e1",), "destinations": ("hook:ci",), "total": 1},
    ),
)  # fmt: skip


class Again:
    """A row, its world, and the command as it was given the first time."""

    def __init__(self, row: Row) -> None:
        self.row, self.world = row, row.world()
        row.ready(self.world)
        self.fields = row.fields(self.world)

    def give(self) -> Expected:
        """Give the command; return the names of the events or the error."""
        world, (name, _, via) = self.world, self.row.by.partition("@")
        actor = SYSTEM if name == "system" else world.directory.actor(name, via or "api")
        command: Any = self.row.command(plan_id=world.plan.id, **self.fields)
        try:
            decision = decide(world.plan, command, world.context(actor))
        except errors.FabuError as error:
            return type(error)
        world.plan = decision.plan
        return [event.name for event in decision.events]


rows = pytest.mark.parametrize("row", ROWS, ids=str)


def test_every_command_and_every_timer_has_a_row() -> None:
    assert {row.command for row in ROWS} == set(get_args(c.AnyCommand))
    assert {str(row) for row in ROWS if row.command is c.TimerFired} == {f"TimerFired {kind}" for kind in TimerKind}


@rows
def test_the_command_itself(row: Row) -> None:
    assert Again(row).give() == row.does


@rows
def test_twice(row: Row) -> None:
    again = Again(row)
    again.give()
    assert again.give() == row.twice


@rows
def test_after_the_plan_has_moved_on(row: Row) -> None:
    again = Again(row)
    row.moves_on(again.world)
    assert again.give() == row.moved_on


@rows
def test_after_the_plan_was_cancelled(row: Row) -> None:
    again = Again(row)
    again.world.do(c.Cancel)
    assert again.give() == row.cancelled


@rows
def test_after_the_plan_was_deleted(row: Row) -> None:
    again = Again(row)
    again.world.do(c.Cancel)
    again.world.do(c.Delete)
    assert again.give() == row.gone


@rows
def test_from_a_card_of_an_older_revision(row: Row) -> None:
    again = Again(row)
    again.fields["nonce"] = again.world.plan.nonce
    again.world.plan = replace(again.world.plan, nonce="that of a newer revision")
    assert again.give() is errors.OutdatedCard


@pytest.mark.parametrize("row", [row for row in ROWS if issubclass(row.command, ON_ITEMS)], ids=str)
def test_after_its_item_was_taken_out(row: Row) -> None:
    again = Again(row)
    others = {key: item for key, item in again.world.plan.items.items() if key != again.fields["item_id"]}
    again.world.plan = replace(again.world.plan, items=MappingProxyType(others))
    assert again.give() == ([] if issubclass(row.command, REPORTS) else errors.NotFound)
