"""What is posted to the server: unproven, broken, twice, at once, too late."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.scenario.chats.slack import User, cards
from tests.scenario.office import Fabu, stage
from tests.simulators.slack import FORM_TYPE, SlackSimulator
from tests.simulators.slack_answers import Reply
from tests.simulators.slack_payloads import encode, form, signed
from tests.simulators.slack_reading import find, text_of
from tests.simulators.slack_workspace import Message

HOSTILE = "\u202e<!channel> <@U1> <https://evil.example.com|Approve>\u2066\x1b[31m *v2* &amp; `x`"
LITERAL = "<!channel> <@U1> <https://evil.example.com|Approve>[31m *v2* &amp; `x`"


def command(user: User, words: str, trigger: str = "1.2.a", **fields: str) -> bytes:
    """Return the body of a slash command."""
    url = user.slack.response_url("C1", user.id)
    told = {"command": "/release", "user_id": user.id, "channel_id": "C1", "trigger_id": trigger, "response_url": url}
    return form(told | {"text": words} | fields)


def click(user: User, card: Message, verb: str = "approve", trigger: str = "1.2.a") -> bytes:
    """Return the body of a click on a button that a card shows."""
    _, button = find(card, verb)
    payload = {
        "type": "block_actions",
        "user": {"id": user.id},
        "container": {"type": "message", "channel_id": card.channel, "message_ts": card.ts},
        "actions": [{"action_id": verb, "value": button["value"], "action_ts": "1.1"}],
        "trigger_id": trigger,
        "response_url": user.slack.response_url(card.channel, user.id, card),
    }
    return form({"payload": encode(payload)})


async def post(slack: SlackSimulator, body: bytes, kind: str = FORM_TYPE, **headers: str) -> Reply:
    """Post a body that Slack signed, unless `headers` say otherwise."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await slack.post(body, kind, signed(body, slack.signing_secret) | named)


@pytest.fixture
async def asked(fabu: Fabu, bob: User) -> Message:
    """The card by which Bob is asked to approve plan #1, together with Carol."""
    await fabu.submitted(stages=[stage("QA", "bob", "carol", rule=2)])
    return await bob.card_with("Approve")


def now(offset: int = 0) -> int:
    return int(time.time()) + offset


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Slack_Signature": ""},
        {"X_Slack_Signature": "v0=" + "0" * 64},
        {"X_Slack_Request_Timestamp": ""},
        {"X_Slack_Request_Timestamp": "soon"},
        {"X_Slack_Request_Timestamp": "٣"},
        {"X_Slack_Request_Timestamp": str(2**70)},
    ],
)
async def test_what_is_not_signed_by_slack_does_nothing(
    fabu: Fabu, slack: SlackSimulator, bob: User, asked: Message, headers: dict[str, str]
) -> None:
    assert (await post(slack, click(bob, asked), **headers)).status == 401
    assert (await post(slack, command(bob, "approve 1"), **headers)).status == 401
    assert "voted" not in await fabu.events()


@pytest.mark.parametrize("offset", [-302, 302])
async def test_what_was_signed_at_another_time_does_nothing(
    fabu: Fabu, slack: SlackSimulator, bob: User, asked: Message, offset: int
) -> None:
    body = click(bob, asked)
    assert (await slack.post(body, FORM_TYPE, signed(body, slack.signing_secret, now(offset)))).status == 401
    assert (await slack.post(body, FORM_TYPE, signed(body, "of another app"))).status == 401
    assert "voted" not in await fabu.events()


async def test_the_same_click_twice_counts_once_and_is_answered_truly(
    fabu: Fabu, slack: SlackSimulator, bob: User, asked: Message
) -> None:
    body = click(bob, asked)
    headers = signed(body, slack.signing_secret)
    for _ in range(2):
        assert (await slack.post(body, FORM_TYPE, headers)).status == 200
    await bob.hears("Your approval counts. #1 now waits for stage QA.")
    await bob.hears("That was done already. #1 is now: waiting for approval.")
    assert (await fabu.events()).count("voted") == 1


async def test_the_same_command_twice_starts_one_plan_and_gives_one_link(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    body = command(alice, "new Payments 2.4", trigger="1.2.b")
    first, second = [await post(slack, body) for _ in range(2)]
    assert first.body["text"] == "Plan #1 “Payments 2.4” is started."
    assert second.body["text"] == "That was done already. #1 is now: planning."
    assert len((await fabu.api("GET", "/plans"))["items"]) == 1

    body = command(alice, "web", trigger="1.2.c")
    first, second = [await post(slack, body) for _ in range(2)]
    assert "/sign-in/" in first.body["text"]
    assert "/sign-in/" not in second.body["text"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"payload=%7Bnot+json", FORM_TYPE),
        (b"payload=" + quote('{"type":"block_actions","user":{}}').encode(), FORM_TYPE),
        (b"\x00\x01\x02", FORM_TYPE),
        (b"{", "application/json"),
        (b'{"type":"event_callback"}', "application/json"),
        (b"<xml/>", "text/xml"),
    ],
)
async def test_what_cannot_be_read_is_refused(fabu: Fabu, slack: SlackSimulator, body: bytes, kind: str) -> None:
    assert (await post(slack, body, kind)).status == 400


async def test_a_megabyte_is_refused_and_the_next_request_answered(
    fabu: Fabu, slack: SlackSimulator, bob: User, asked: Message
) -> None:
    assert (await post(slack, command(bob, "approve 1 " + "x" * (1 << 20)))).status == 413
    long = await post(slack, command(bob, "approve 1 " + "x" * 1_000_000, trigger="1.2.b"))
    assert "write at most 4000 characters" in long.body["text"]
    assert "Your approval counts." in await bob.says("approve 1 " + "字" * 4000)
    await bob.until(lambda: all("字" * 100 in text_of(card) for card in cards(slack)))


@pytest.mark.parametrize("way", ["api", "chat"])
async def test_names_are_shown_and_never_come_alive(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, way: str
) -> None:
    if way == "api":
        await fabu.draft(name=HOSTILE, description=HOSTILE, stages=[stage(HOSTILE, "bob")])
    else:
        await alice.says("new")
        await alice.fills_in(
            **{"Name": HOSTILE, "Approvers": "bob", "Release content": HOSTILE, "Items, one per line": HOSTILE}
        )
    await alice.says("submit 1")
    await bob.card_with("Approve")
    await bob.says(f"reject 1 {HOSTILE}")
    card = await bob.sees("rejected")
    assert card.blocks[0]["text"]["text"] == f"#1 {LITERAL}"
    assert (await fabu.plan())["name"] == LITERAL
    for said in live_texts(slack):
        assert "<" not in said
        assert not set("\x1b\u202e\u2066") & set(said)


def live_texts(slack: SlackSimulator) -> list[str]:
    """Return everything that the bot has written where Slack looks for markup."""

    def found(node: Any) -> list[str]:
        if isinstance(node, list):
            return [text for one in node for text in found(one)]
        if not isinstance(node, dict):
            return []
        return [node["text"]] if node.get("type") == "mrkdwn" else [t for one in node.values() for t in found(one)]

    messages = [m for c in slack.workspace.channels for m in slack.messages(c)] + slack.workspace.ephemerals
    return [text for message in messages for text in [message.text, *found(message.blocks)]]


async def test_names_of_nothing_but_what_cannot_be_seen_are_refused(fabu: Fabu, alice: User) -> None:
    await alice.says("new \u202e\x07")  # the same as `new`, which opens the form
    assert (await alice.fills_in_wrongly(Name="\u202e\x07")).keys() == {"name"}


@pytest.mark.parametrize(
    "words",
    [
        "",
        "<@U1>",
        "approve",
        "approve x",
        "approve 99",
        "execute 1",
        "execute 1 nothing",
        "list nonsense",
        "аpprove 1",
        "\x00",
        "'" * 500,
        "show ../../etc/passwd",
        "approve 1e9",
        f"show {10**30}",
    ],
)
async def test_whatever_is_typed_is_answered(fabu: Fabu, alice: User, words: str) -> None:
    await fabu.draft()
    assert await alice.says(words)
    assert await fabu.events() == ["created"]


async def test_who_has_no_right_is_told_why_and_it_is_logged(
    fabu: Fabu, alice: User, carol: User, erin: User, dave: User
) -> None:
    await fabu.submitted(stages=[stage("QA", "carol"), stage("Operations", "dave")])
    assert "You are responsible for this plan" not in await alice.says("approve 1")
    assert "You are not an approver of this plan. Stage QA is decided by Carol." in await erin.says("approve 1")
    assert "Your stage is Operations. The plan is waiting for stage QA now" in await dave.says("approve 1")
    assert "This is not yours to do: Cancel plan. Ask Alice, or an administrator." in await erin.says("cancel 1")
    shown = await erin.says("show 1")
    await erin.clicks("Reject", on=erin.slack.ephemerals(erin.id)[-1])
    await erin.hears("You are not an approver of this plan.", times=2)
    assert erin.slack.modal(erin.id) is None, "nobody types a reason in vain"
    refused = [(entry.actor, entry.details["verb"]) for entry in await fabu.log() if entry.event == "refused"]
    assert refused == [
        ("alice", "approve"),
        ("erin", "approve"),
        ("dave", "approve"),
        ("erin", "cancel"),
        ("erin", "reject"),
    ]
    assert "waiting for approval" in shown


async def test_two_clicks_of_one_person_count_once(fabu: Fabu, bob: User, asked: Message) -> None:
    await asyncio.gather(bob.clicks("Approve", on=asked), bob.clicks("Approve", on=asked))
    await bob.hears("Your approval counts.")
    await bob.hears("You have decided already: approved. It counts once.")
    assert (await fabu.events()).count("voted") == 1


async def test_two_approvers_at_the_same_instant_both_count(fabu: Fabu, bob: User, carol: User, asked: Message) -> None:
    carols = await carol.card_with("Approve")
    await asyncio.gather(bob.clicks("Approve", on=asked), carol.clicks("Approve", on=carols))
    await fabu.until_status("executing")
    events = await fabu.events()
    assert [events.count(name) for name in ("voted", "stage_passed", "approved", "execution_started")] == [2, 1, 1, 1]


async def test_a_click_on_an_old_card_does_nothing_and_shows_the_plan(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, asked: Message
) -> None:
    old = click(bob, asked)
    await alice.says("replan 1")
    await alice.says("submit 1")
    assert (await post(slack, old)).status == 200
    shown = await bob.hears("This card is out of date. Here is the plan as it is now.")
    assert "#1 Payments 2.4" in shown
    assert "voted" not in await fabu.events()
    await bob.until(lambda: "Approve" not in text_of(asked))
    assert "Your approval counts." in await bob.clicks("Approve", on=slack.ephemerals(bob.id)[-1])


async def test_a_click_after_the_end_is_answered_with_the_end(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, asked: Message
) -> None:
    late = {verb: click(bob, asked, verb, trigger=f"1.2.{number}") for number, verb in enumerate(("approve", "reject"))}
    await alice.says("cancel 1 no time")
    for body in late.values():
        assert (await post(slack, body)).status == 200
    await bob.hears("The plan is now: cancelled. It does not take “Approve” in this state.")
    await bob.hears("The plan is now: cancelled. It does not take “Reject” in this state.")
    await bob.sees("cancelled", "Reason: no time")


async def test_a_form_of_a_vendor_that_is_not_enabled_is_refused_at_submit(fabu: Fabu) -> None:
    plan = await fabu.draft(stages=[stage("QA", "bob", channel="feishu_instance")])
    status, answer = await fabu.request("POST", f"/api/v1/plans/{plan['id']}/submit", {}, by="alice")
    assert status == 422
    assert "feishu_instance is not enabled" in answer["message"]
    assert await fabu.status() == "planning"
