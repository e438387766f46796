"""A plan that is started in a modal of Slack and runs to its end."""

from __future__ import annotations

from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu
from tests.simulators.slack import SlackSimulator


async def test_a_plan_that_is_started_in_a_modal(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, carol: User, erin: User
) -> None:
    assert await alice.says("new") == ""
    wrong = {"Name": "Payments 2.4", "Approvers": "bob, @nobody"}
    assert (await alice.fills_in_wrongly(**wrong, Window="tonight")).keys() == {"window"}
    assert (await alice.fills_in_wrongly(**wrong)).keys() == {"approvers"}
    window = "/ 2099-01-31 22:00"
    steps = {"Items, one per line": "Freeze\n\nAnnounce"}
    await alice.fills_in(**{"Name": "Payments 2.4", "Approvers": "bob，@sre", "Window": window, **steps})
    shown = await alice.hears("Plan #1 “Payments 2.4” is started.")
    assert "1 Freeze" in shown
    assert "2 Announce" in shown

    shown = await alice.clicks("Submit", on=slack.ephemerals("U1")[-1])
    assert shown == "Submitted. #1 is now: waiting for approval."
    for person in (bob, carol, erin):
        await person.clicks("Approve")
    await fabu.until_status("executing")
    for words in ("execute 1 freeze", "execute 1 2 told the shops"):
        await alice.says(words)
    assert await fabu.status() == "success"
    assert [item["remark"] for item in (await fabu.plan())["items"]] == ["", "told the shops"]
