"""What is written to the bot in Slack: edited, delivered again, addressed to others, in every form that people use."""

from __future__ import annotations

import pytest

from tests.scenario.chats.slack import CHANNEL, User
from tests.scenario.office import Fabu, script, stage, step
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.simulators.slack_workspace import JSON, Message
from tests.waiting import eventually


def written(slack: SlackSimulator, user: User, channel: str) -> Message:
    """Return what a user has written last in a channel."""
    return [one for one in slack.workspace.channel(channel).messages if one.user == user.id][-1]


def answers_to(slack: SlackSimulator, message: Message) -> list[str]:
    """Return what the bot has answered in the thread of a message."""
    return [one.text for one in slack.messages(message.channel, thread=message.ts)]


async def test_an_edited_mention_is_no_command(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await bob.writes("aprove 1", CHANNEL)
    message = written(slack, bob, CHANNEL)
    await bob.until(lambda: answers_to(slack, message))
    assert (await slack.edit(message, message.text.replace("aprove", "approve"))).status == 200
    await bob.says("list")
    assert "voted" not in await fabu.events()
    assert len(answers_to(slack, message)) == 1


async def test_an_edit_executes_nothing_again(fabu: Fabu, slack: SlackSimulator, alice: User) -> None:
    await fabu.submitted(script("deploy", "exit 1"))
    await alice.says("execute 1 deploy")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
    await alice.writes("retry 1 deploy", CHANNEL)
    await eventually(fabu.events, wanted=lambda events: events.count("run_ended") == 2)
    message = written(slack, alice, CHANNEL)
    await slack.edit(message, message.text)  # a link preview
    await slack.edit(message, f"{message.text} please")
    await alice.says("list")
    assert (await fabu.events()).count("run_requested") == 2


async def test_an_edited_direct_message_is_no_command(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await bob.writes("aprove 1")
    message = written(slack, bob, slack.workspace.direct(bob.id).id)
    assert (await slack.edit(message, "approve 1")).status == 200
    await bob.says("list")
    assert "voted" not in await fabu.events()


@pytest.mark.parametrize("again", [{}, {"event_id": "Ev0AGAIN"}], ids=["the same event", "another event"])
async def test_a_message_that_is_delivered_again_is_answered_once(
    fabu: Fabu, slack: SlackSimulator, bob: User, again: JSON
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob", "carol", rule=2)])
    await fabu.until_seen("bob")
    place = slack.workspace.direct(bob.id).id
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": place,
        "user": bob.id,
        "text": "approve 1",
        "ts": "7.1",
    }
    await slack.event_raw(event, event_id="Ev0FIRST")
    for number in (1, 2):
        await slack.event_raw(event, retry=(number, "http_timeout"), **{"event_id": "Ev0FIRST", **again})
    await bob.writes("help")
    await bob.until(lambda: [m for m in slack.dms(bob.id) if "approve N" in text_of(m)])
    assert (await fabu.events()).count("voted") == 1
    texts = [m.text for m in slack.dms(bob.id)]
    assert len([text for text in texts if "Your approval counts" in text]) == 1
    assert not [text for text in texts if "done already" in text]


async def test_the_bot_may_be_mentioned_last(fabu: Fabu, slack: SlackSimulator, bob: User, carol: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await bob.writes(f"delegate 1 <@{carol.id}> <@{slack.workspace.bot_user}>", CHANNEL)
    await carol.clicks("Approve")
    assert [person for person, *_ in await fabu.votes()] == ["bob"]


async def test_a_name_that_slack_makes_a_link_of_is_the_name(fabu: Fabu, slack: SlackSimulator, alice: User) -> None:
    await fabu.submitted(step("a", name="deploy.sh"), step("b", name="b"))
    place = slack.workspace.direct(alice.id).id
    event = {"type": "message", "channel_type": "im", "channel": place, "user": alice.id, "ts": "7.1"}
    await slack.event_raw(event | {"text": "execute 1 <http://deploy.sh|deploy.sh>"})
    await eventually(fabu.item, "a", wanted=lambda item: item["status"] == "done")


FILE = {"id": "F1", "name": "log.txt", "mimetype": "text/plain"}


@pytest.mark.parametrize(("text", "answer"), [("approve 1", "Approved."), ("", "This message has no text.")])
@pytest.mark.parametrize("channel", ["", CHANNEL])
async def test_a_file_may_come_with_a_command(
    fabu: Fabu, slack: SlackSimulator, bob: User, text: str, answer: str, channel: str
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await fabu.until_seen("bob")
    place = channel or slack.workspace.direct(bob.id).id
    ts = slack.say(bob.id, place, text).ts
    event: JSON = {"user": bob.id, "channel": place, "ts": ts, "files": [FILE], "upload": False}
    if channel:
        event |= {"type": "app_mention", "text": f"<@{slack.workspace.bot_user}> {text}"}
    else:
        event |= {"type": "message", "channel_type": "im", "subtype": "file_share", "text": text}
    assert (await slack.event_raw(event)).status == 200
    await bob.until(lambda: [m for m in slack.messages(place) if answer in m.text])
