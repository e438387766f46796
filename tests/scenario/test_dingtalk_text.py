"""DingTalk without a card template: what messages say to type, and the links that sign their reader in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from yarl import URL

from tests.clock import SharedClock
from tests.scenario.chats.dingtalk import DINGTALK, GROUP, PUBLIC_URL
from tests.scenario.chats.dingtalk_text import DINGTALK_TEXT, TextOffice, commands
from tests.scenario.office import script, step
from tests.simulators.dingtalk import RobotMessage
from tests.waiting import eventually


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[TextOffice]:
    """An office whose app has no template."""
    async with DINGTALK_TEXT.office(tmp_path) as opened:
        yield opened


def browser(case: TextOffice) -> ClientSession:
    """Return a browser that knows nobody; it keeps cookies, although no https leads to this server."""
    return ClientSession(cookie_jar=CookieJar(unsafe=True, treat_as_secure_origin=URL(case.fabu.url)))


async def asked(case: TextOffice, person: str, *words: str) -> RobotMessage:
    """Wait until the newest message that asks a person for something shows all these words; return it."""
    reader = case.person(person)
    return await reader.until(lambda: next((m for m in reader.cards[-1:] if reader.shows(m, *words)), None))


async def in_group(case: TextOffice, *words: str) -> RobotMessage:
    """Wait until the newest message about a plan in the group shows all these words; return it."""
    alice = case.alice
    return await alice.until(lambda: next((m for m in case.channel_cards[-1:] if alice.shows(m, *words)), None))


async def test_messages_say_what_to_type(case: TextOffice) -> None:
    fabu, alice, bob, carol = case.fabu, case.alice, case.bob, case.carol
    deploy = script("deploy", 'test "$FABU_ATTEMPT" -gt 1', needs=["notes"])
    stages = [DINGTALK.stage("QA", "bob"), DINGTALK.stage("Operations", "@sre", rule=1)]
    await fabu.draft(step("notes", assignee="carol"), deploy, stages=stages)
    assert "`submit 1`" in await alice.says("show 1")
    await alice.says("submit 1")
    assert commands(await asked(case, "bob", "waiting for approval")) == ["approve 1", "reject 1 REASON"]
    await bob.clicks("Reject", text="No rollback plan")
    await alice.clicks("Replan", on=await in_group(case, "rejected", "No rollback plan"))
    await alice.clicks("Submit", on=await in_group(case, "planning"))
    await fabu.until_seen("bob")
    await bob.clicks("Approve", on=await asked(case, "bob", "waiting for approval"))
    await fabu.until_seen("carol")
    await carol.clicks("Approve", on=await asked(case, "carol", "Operations"))

    assert "“Notes” is done" in await carol.clicks(
        "Done", on=await asked(case, "carol", "1 thing waits for you"), item="Notes"
    )
    assert "`execute 1 2`" in await alice.says("show 1")
    await alice.says("execute 1 2")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
    assert "`retry 1 2`" in await alice.says("show 1")
    await alice.writes("retry 1 2")
    await in_group(case, "successful")
    assert case.ding.calls_to("card.create") == case.ding.calls_to("card.update") == []


async def test_the_link_of_a_message_signs_its_reader_in_once(case: TextOffice) -> None:
    await case.fabu.submitted(step("notes"), stages=[DINGTALK.stage("QA", "bob")])
    message, group = await asked(case, "bob", "waiting for approval"), await in_group(case, "waiting for approval")
    assert group.params["singleURL"] == f"{PUBLIC_URL}/plans/1", "all of the group would read another link"
    link = message.params["singleURL"].replace(PUBLIC_URL, case.fabu.url)
    async with browser(case) as bob, browser(case) as mallory:
        async with bob.get(link) as page:
            assert "Sign in on this device" in await page.text(), "who only looks at a link does not use it up"
        async with bob.post(link) as page:
            assert page.url.path == "/plans/1"
            forms = re.findall("<form.*?</form>", await page.text(), re.DOTALL)
            pressed = next(form for form in forms if "Approve" in form)
            approve = dict(re.findall('name="([a-z]+)" value="([^"]+)"', pressed))
        async with bob.get(link) as page:
            assert page.url.path == "/plans/1"
        async with mallory.post(link) as page:
            assert (page.status, page.url.path) == (401, URL(link).path)
        async with bob.post(f"{case.fabu.url}/plans/1", data=approve) as page:
            assert "executing" in await page.text()
    assert (await case.fabu.status(), (await case.fabu.log())[-1].actor) == ("executing", "bob")
    later = await in_group(case, "executing")
    assert later.params["singleURL"] == f"{PUBLIC_URL}/plans/1"


async def test_a_link_is_good_for_a_day_and_leads_nowhere_else(tmp_path: Path) -> None:
    async with DINGTALK_TEXT.office(tmp_path, SharedClock) as case, browser(case) as bob:
        await case.fabu.submitted(step("notes"), stages=[DINGTALK.stage("QA", "bob")])
        message = await asked(case, "bob", "waiting for approval")
        link = message.params["singleURL"].replace(PUBLIC_URL, case.fabu.url)
        case.ding.clock.advance(2 * 86_400)
        async with bob.post(link) as page:
            assert page.status == 401
            assert "Write “web 1” to Fabu" in await page.text()
        again = URL((await case.bob.says("web")).split()[-1].replace(PUBLIC_URL, case.fabu.url))
        async with bob.post(again.with_query(plan="//evil.example"), allow_redirects=False) as page:
            assert page.headers["Location"] == "/"


async def test_a_message_is_sent_once_for_every_status(case: TextOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"), stages=[DINGTALK.stage("QA", "bob", "carol")])
    for person in (case.bob, case.carol):
        await asked(case, person.id, "waiting for approval")
        await person.writes("approve 1")
    for item in ("notes", "announce"):
        await case.alice.writes(f"execute 1 {item}")
    await in_group(case, "successful")
    await case.alice.until(lambda: "The plan is complete" in case.thread())
    titles = [message.params["title"] for message in case.ding.robot_messages(GROUP) if "title" in message.params]
    assert titles == sorted(set(titles), key=titles.index)
    assert len(titles) == 3, "the items that are done make no new message"
    assert titles[0] == "#1 Payments 2.4: waiting for approval"
    assert titles[1].startswith("#1 Payments 2.4: executing, ")
    assert titles[2] == "#1 Payments 2.4: successful"
    for name in ("bob", "carol"):
        assert len(case.person(name).cards) == 1


async def test_in_chinese_the_messages_say_chinese_commands(tmp_path: Path) -> None:
    async with DINGTALK_TEXT.office(tmp_path, language="zh_CN") as case:
        await case.fabu.submitted(step("notes"), stages=[DINGTALK.stage("测试", "bob")])
        approve, reject = commands(await asked(case, "bob", "等待审批"))
        assert (approve, reject) == ("同意 1", "驳回 1 原因")
        assert "执行中" in await case.bob.says(approve, GROUP)
        execute = next(words for words in commands(await in_group(case, "执行中")) if words.startswith("执行"))
        assert "成功" in await case.alice.says(execute)
        await case.alice.until(lambda: "发布计划已完成" in case.thread())
