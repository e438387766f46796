"""A vote in a chat is for what its voter was shown, and a new revision begins with what has changed since then."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.chat import Inbound
from core.plan import Confirmation, Stage
from core.policies import ApprovalPolicy, ApprovalRules
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.office import Fabu, Json, script, step

UNSEEN = "Nothing is approved yet: look at what it is first, then press the button."


@pytest.fixture(params=["slack-http", "feishu-http", "dingtalk-http"])
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat, with cards."""
    return CHATS[request.param]


@pytest.fixture
async def office(tmp_path: Path, chat: Chat) -> AsyncIterator[Office[Any, Any]]:
    async with chat.office(tmp_path) as opened:
        yield opened


def forget(fabu: Fabu) -> None:
    """Let nobody have seen anything, as if no card had come yet."""
    path = fabu.services.settings.database.url.partition("///")[2]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM seen")


async def submitted(office: Office[Any, Any], chat: Chat, *items: Json) -> None:
    """Submit a plan, and wait until Bob was shown it."""
    await office.fabu.submitted(*items, stages=[chat.vendor.stage("QA", "bob")])
    await office.fabu.until_seen("bob")


async def test_a_typed_approval_of_who_has_seen_nothing_shows_it_first(office: Office[Any, Any], chat: Chat) -> None:
    await submitted(office, chat, step("notes"))
    forget(office.fabu)
    assert UNSEEN in await office.bob.says("approve 1 fine")
    assert await office.fabu.votes() == []
    assert "executing" in await office.bob.says("approve 1 fine"), "now it was shown"


async def test_the_button_of_a_card_in_a_channel_shows_it_first(office: Office[Any, Any], chat: Chat) -> None:
    await submitted(office, chat, step("notes"))
    card = await office.channel_card("waiting for approval")
    forget(office.fabu)
    assert UNSEEN in await office.bob.clicks("Approve", on=card)
    assert await office.fabu.votes() == []
    assert "executing" in await office.bob.clicks("Approve", on=card)


async def test_what_one_asked_to_see_is_seen(office: Office[Any, Any], chat: Chat) -> None:
    await submitted(office, chat, step("notes"))
    forget(office.fabu)
    await office.bob.asks("show 1")
    assert "executing" in await office.bob.says("approve 1")


async def test_a_rejection_counts_at_once_and_who_has_no_vote_is_told_so(office: Office[Any, Any], chat: Chat) -> None:
    await submitted(office, chat, step("notes"))
    forget(office.fabu)
    assert "You are not an approver" in await office.erin.says("approve 1")
    assert "rejected" in await office.bob.says("reject 1 no way back")


async def test_a_vote_names_the_revision_it_is_for(office: Office[Any, Any], chat: Chat) -> None:
    await submitted(office, chat, step("notes"))
    await office.bob.clicks("Approve")
    [voted] = [entry for entry in await office.fabu.log() if entry.event == "voted"]
    assert voted.details["revision"] == 1
    assert len(voted.details["content_sha256"]) == 64


async def test_a_new_revision_begins_with_what_has_changed(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    items = (step("notes"), script("deploy", "cd /srv\nmake install\nmake check"))
    await submitted(office, chat, *items)
    await bob.clicks("Reject", text="Check before you install")
    await fabu.until_status("denied")
    await fabu.api("POST", "/plans/1/replan", {"reason": "mend it"})
    changed = [step("notes"), script("deploy", "cd /srv\nmake check\nmake install")]
    await fabu.api("PATCH", "/plans/1", {"items": changed})
    await fabu.api("POST", "/plans/1/submit", {})
    card = await bob.sees("Alice asks again, with revision", "Changed since revision 1, which you rejected")
    assert bob.shows(card, "“Check before you install”", "2 Deploy", "+make check", "Unchanged 1: Notes")
    assert "+make check" in await bob.asks("diff 1")
    assert "There is no" not in await bob.asks("diff 1 1")
    assert "write the number" in await bob.says("diff 1 everything")


async def test_a_copy_says_what_differs_from_the_last_success(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes"), script("deploy", "make VERSION=2.3"))
    await fabu.api("POST", "/plans/1/items/notes/execute", {})
    await fabu.api("POST", "/plans/1/items/deploy/skip", {"reason": "by hand"})
    await fabu.until_status("success")
    await fabu.api("POST", "/plans/1/copy", {"name": "Next"})
    changed = [step("notes"), script("deploy", "make VERSION=2.4")]
    approval = {"stages": [chat.vendor.stage("QA", "bob")]}
    await fabu.api("PATCH", "/plans/2", {"items": changed, "approval": approval})
    await fabu.api("POST", "/plans/2/submit", {})
    card = await bob.sees("Alice asks for your approval", "Since #1, which succeeded last")
    assert bob.shows(card, "make VERSION=2.3"), "that is what it was"


async def test_votes_on_the_page_alone_are_refused_elsewhere_with_its_address(
    office: Office[Any, Any], chat: Chat
) -> None:
    fabu, page = office.fabu, "https://fabu.example.com/plans/1"
    policy = ApprovalPolicy("prod", stages=(Stage("SRE", ("bob",)),), confirm=Confirmation.PAGE)
    environment = fabu.services.engine._environment
    environment.publish(policy=replace(environment.policy, approval=ApprovalRules("none", policies=(policy,))))
    await fabu.submitted(step("notes"))
    await fabu.until_seen("bob")
    assert page in await office.bob.says("approve 1")
    refused = await fabu.request("POST", "/api/v1/plans/1/approve", {}, by="bob")
    assert (refused[0], refused[1]["code"]) == (403, "confirmed_on_page")
    ref = (await fabu.services.store.read(lambda reading: reading.plans.get(reading.plans.id_of("1")))).ref
    pressed = Inbound("console", "bob", "press", verb="approve", ref=ref, values={"text": ""})
    await fabu.services.chat(pressed)
    assert [person for person, *_ in await fabu.votes()] == ["bob"]
