"""A long plan under way in Slack: its progress, and any item of it."""

from __future__ import annotations

from tests.scenario.chats.slack import SlackOffice, User
from tests.scenario.office import Fabu, script, stage, step
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.waiting import eventually


async def test_progress_and_any_item(fabu: Fabu, slack: SlackSimulator, alice: User, bob: User) -> None:
    await fabu.submitted(step("notes"), *(script(f"deploy{n}", "true", needs=["notes"]) for n in range(11)))
    card = await SlackOffice(fabu, slack).channel_card("Later 11")
    [plan] = [block for block in card.blocks if block["type"] == "plan"]
    assert [task["status"] for task in plan["tasks"]] == ["pending"] * len(plan["tasks"])

    await slack.click(bob.id, card, "show", choice="▫️ 7 Deploy5")
    shown = await bob.until(lambda: slack.modal(bob.id))
    assert "7 Deploy5" in text_of(shown)
    assert "after: 1 Notes" in text_of(shown)

    assert "is done" in await alice.says("execute 1 notes")
    assert "is running" in await alice.says("execute 1 deploy5")
    await eventually(fabu.item, "deploy5", wanted=lambda item: item["status"] == "done")
    card = await SlackOffice(fabu, slack).channel_card("Done 2")
    [plan] = [block for block in card.blocks if block["type"] == "plan"]
    assert (plan["tasks"][-1]["title"], plan["tasks"][-1]["status"]) == ("Done 2", "complete")
    assert "✅ 7 Deploy5 · done" in text_of(card)


async def test_a_workspace_without_these_blocks_reads_the_same(fabu: Fabu, slack: SlackSimulator, alice: User) -> None:
    slack.workspace.has_newest_blocks = False
    await fabu.submitted(step("notes"), *(script(f"deploy{n}", "true", needs=["notes"]) for n in range(11)))
    card = await SlackOffice(fabu, slack).channel_card("Later 11", "▫️ 7 Deploy5 · later")
    assert "is done" in await alice.clicks("Done", on=card, text="Written")
    await SlackOffice(fabu, slack).channel_card("Done 1", "✅ 1 Notes · done")
    refused = [call.operation for call in slack.calls if call.answer.get("error") == "invalid_blocks"]
    assert refused == ["chat.postMessage"]
    slack.calls.clear()


async def test_an_approver_reads_an_item_whole_by_the_picker(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    long = script("deploy", "\n".join(f"echo {number}" for number in range(40)))
    await fabu.submitted(step("notes"), long, stages=[stage("QA", "bob")])
    card = await bob.card_with("Approve")
    assert "echo 39" not in text_of(card)
    await slack.click(bob.id, card, "show", choice="2 Deploy")
    assert "echo 39" in text_of(await bob.until(lambda: slack.modal(bob.id)))


async def test_a_failed_item_is_handled_in_a_modal(fabu: Fabu, slack: SlackSimulator, alice: User, bob: User) -> None:
    failing = script("deploy", "exit 3", assignee="bob")
    await fabu.submitted(failing, step("check", assignee="bob"))
    assert "is running" in await alice.says("execute 1 deploy")
    digest = await bob.card_with("Handle")
    await slack.click(bob.id, digest, "Handle")
    item = await bob.until(lambda: slack.modal(bob.id))
    assert "❌ failed" in text_of(item)

    await slack.click(bob.id, item, "Skip")
    form = await bob.until(lambda: view if (view := slack.modal(bob.id)) is not item else None)
    await slack.submit_view(bob.id, form, {"text": "not needed"})
    await bob.until(lambda: "⏭️ skipped" in text_of(item))
    assert slack.modal(bob.id) is item
    assert (await fabu.item("deploy"))["remark"] == "not needed"
