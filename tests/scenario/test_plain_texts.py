"""What people write is plain in every chat: in cards, threads, replies, notes and forms, and nothing of it is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.scenario.chats.dingtalk import PUBLIC_URL, Organisation
from tests.scenario.chats.feishu import FeishuOffice
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.slack import SlackOffice
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.office import PEOPLE, step
from tests.simulators.feishu_cards import elements

HOSTILE = (
    "[Approve here](https://evil.example/x) *b* _i_ ~s~ `c` <b>t</b> List<T> & &amp; # > "
    "<at id=all></at> <@U1> <!channel> @all www.evil.example"
)
OWN_TAGS = re.compile(r"</?(?:font|text_tag)(?: color='[a-z]+')?>")
"""What Fabu itself writes in Feishu's Markdown."""
NAME = "[Bob](https://evil.example) <@U2> *B*"


@pytest.fixture(params=["slack-http", "feishu-http", "dingtalk-http", "dingtalk-text-http"])
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat, and DingTalk also without cards."""
    return CHATS[request.param]


@pytest.fixture
async def office(tmp_path: Path, chat: Chat) -> AsyncIterator[Office[Any, Any]]:
    """An office whose people have a hostile name in the settings."""
    people = {one: {"name": f"{NAME} {one}", **chat.vendor.people[one]} for one in PEOPLE}
    async with replace(chat, vendor=replace(chat.vendor, people=people)).office(tmp_path) as opened:
        yield opened


def slack_markup(office: Office[Any, Any]) -> Iterator[str]:
    """Yield what Slack makes of what it looks for markup in."""
    assert isinstance(office, SlackOffice)
    workspace = office.slack.workspace
    messages = [m for c in workspace.channels for m in office.slack.messages(c)] + workspace.ephemerals
    for message in messages:
        yield from (sign for sign in "<>" if sign in message.text)
        assert message.blocks, "a message of text alone is mrkdwn"
        assert "mrkdwn" not in str(message.blocks)
        assert "'type': 'link'" not in str(message.blocks)


def feishu_markup(office: Office[Any, Any]) -> Iterator[str]:
    """Yield what Feishu makes of Markdown and of messages."""
    assert isinstance(office, FeishuOffice)
    for message in office.feishu.messages.values():
        if message.sender != "ou_bot":
            continue
        if message.msg_type == "interactive":
            for element, _ in elements(message.content):
                yield from markdown(OWN_TAGS.sub("", element["content"])) if element["tag"] == "markdown" else ()
        else:
            assert message.msg_type == "post", "a message of type text has markup"
            for line in message.content["zh_cn"]["content"]:
                yield from (part["tag"] for part in line if part["tag"] != "text" or "://" in part["text"])


def dingtalk_markup(office: Office[Any, Any]) -> Iterator[str]:
    """Yield what DingTalk makes of markdown and of messages."""
    assert isinstance(office, Organisation)
    cards = [card for chat in ("cid-releases", *PEOPLE) for card in office.ding.cards(chat)]
    messages = [message for chat in ("cid-releases", *PEOPLE) for message in office.ding.robot_messages(chat)]
    texts = [card.params["ask"] for card in cards]
    for message in messages:
        texts += [message.text] if message.msg_key != "sampleText" else []
        yield from ["link"] if message.msg_key == "sampleText" and "://" in message.text else []
    for text in texts:
        yield from markdown(text)
        yield from markdown(text, "escape", "entity")


def markdown(text: str, *without: str) -> Iterator[str]:
    """Yield the constructs that a renderer makes of markdown, apart from Fabu's own."""
    reader = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["linkify", "strikethrough", "table"])
    own = {"paragraph", "inline", "text", "text_special", "softbreak", "strong", "link", "heading", "code_inline"}
    for block in reader.disable(list(without)).parse(text):
        for token in (block, *(block.children or ())):
            if (kind := token.type.removesuffix("_open").removesuffix("_close")) not in own:
                yield kind
            if kind == "link" and token.attrs and not str(token.attrs["href"]).startswith(PUBLIC_URL):
                yield str(token.attrs["href"])


MARKUP: Mapping[str, Callable[[Office[Any, Any]], Iterator[str]]] = {
    "slack": slack_markup,
    "feishu": feishu_markup,
    "dingtalk": dingtalk_markup,
}


async def test_nothing_that_people_write_comes_alive(office: Office[Any, Any], chat: Chat) -> None:
    fabu, alice, bob, carol = office.fabu, office.alice, office.bob, office.carol
    notes = step("notes", name=HOSTILE, assignee="carol", content=f"Tell {HOSTILE}")
    stage = chat.vendor.stage(HOSTILE, "bob")
    await fabu.submitted(notes, name=HOSTILE, stages=[stage], description="Ship *it* https://evil.example/x")
    await bob.clicks("Reject", text=HOSTILE)
    assert (await fabu.plan())["reason"] == HOSTILE
    await bob.sees("rejected")
    await alice.says(f"replan 1 {HOSTILE}")
    await alice.says("submit 1")
    await fabu.until_seen("bob")
    await bob.clicks("Approve", on=await bob.sees("waiting for approval"), text=HOSTILE)
    await carol.clicks("Done", text=HOSTILE)
    assert (await fabu.item("notes"))["remark"] == HOSTILE
    if chat.cards:
        names = () if chat.vendor.name == "dingtalk" else (f"{NAME} bob",)  # its Markdown has look-alikes
        await office.channel_card("successful", f"#1 {HOSTILE}", *names)
    if chat.vendor.name != "dingtalk":  # its cards have no room for the remark of an item that is done
        await office.channel_card(f"“{HOSTILE}”")
    await alice.asks("show 1")
    await alice.asks("log 1")
    await alice.says(f"show {HOSTILE}")
    told = partial(chat.vendor.seen, alice.simulator, office.channel)
    await alice.until(lambda: any("The plan is complete" in text for text in (*office.thread(), *told())))
    assert list(MARKUP[chat.vendor.name](office)) == []
