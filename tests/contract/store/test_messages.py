"""What the system says is read from the store as the message that it was, to be translated for whoever reads it."""

from __future__ import annotations

from typing import Any

import pytest

from core import commands as c
from core.audit import message_in
from core.messages import Message
from core.plan import Plan
from core.status import HookEvent, PlanStatus, RunStatus
from tests.contract.store.offices import Office, item_of
from tests.worlds import draft, stage, workflow_item

ANSWERED = Message("its gateway answered {status}", {"status": 502})
MESSAGES = [
    Message("Zadig has no such task any more"),
    Message("{place}: {what}", {"place": "build", "what": ANSWERED}),
    Message.verbatim("exit {status}"),
    Message.verbatim(str(ANSWERED.to_json())),
    Message.verbatim(ANSWERED.to_column()),
    Message.verbatim('{"$message":"'),
]


async def said(office: Office, plan: Plan, event: str, name: str) -> Message:
    """Return what the operation log has of the newest event of a name."""
    details: list[Any] = [entry.details for entry in await office.log(plan) if entry.event == event]
    return message_in(details[-1], name)


@pytest.mark.parametrize("message", MESSAGES)
async def test_what_a_runner_reports(office: Office, message: Message) -> None:
    plan = await office.create(draft(items=[workflow_item("deploy")]))
    await office.do(c.Submit, plan)
    plan = await office.do(c.Execute, plan, item_id=item_of(plan, "deploy").id)
    plan = await office.report(plan, "deploy", RunStatus.FAILED, message=message)
    run = item_of(plan, "deploy").run
    assert run is not None
    assert run.message == await said(office, plan, "run_ended", "message") == message


@pytest.mark.parametrize("message", MESSAGES)
async def test_why_an_outside_system_is_not_told(office: Office, message: Message) -> None:
    plan = await office.create(draft(items=[workflow_item("deploy")]))
    await office.do(
        c.NoteHookUndeliverable, plan, "system", endpoint="ci", event=HookEvent.START_EXECUTE, reason=message
    )
    assert await said(office, plan, "untold", "reason") == message
    await office.do(c.NoteEndpointDisabled, plan, "system", endpoint="ci", reason=message)
    assert await said(office, plan, "endpoint_disabled", "reason") == message


@pytest.mark.parametrize("reason", ["no rollback", "{", ANSWERED.to_column()])
async def test_what_people_write_stays_as_it_is(office: Office, reason: str) -> None:
    plan = await office.create(draft(stage("bob"), items=[workflow_item("deploy")]))
    await office.do(c.Submit, plan)
    plan = await office.do(c.Reject, plan, "bob", reason=reason)
    assert (plan.status, plan.reason) == (PlanStatus.DENIED, Message.verbatim(reason))
    assert await said(office, plan, "denied", "reason") == Message.verbatim(reason)
