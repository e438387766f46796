"""A release in DingTalk without a card template: messages tell what to type, and nothing but typing is needed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from yarl import URL

from bot.people.sign_in_links import SENT
from tests.scenario.dingtalk_case import GROUP, PUBLIC_URL, Office, User, in_dingtalk, office
from tests.scenario.office import eventually, script, step
from tests.scenario.slack_users import SharedClock
from tests.simulators.dingtalk import RobotMessage


@pytest.fixture(params=["http", "stream"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """An office whose app has no template, reached in either way."""
    async with office(tmp_path, mode=request.param, card_template_id="") as opened:
        yield opened


def browser(case: Office) -> ClientSession:
    """Return a browser that knows nobody; it keeps cookies, although no https leads to this server."""
    return ClientSession(cookie_jar=CookieJar(unsafe=True, treat_as_secure_origin=URL(case.fabu.url)))


async def card_in(case: Office, chat: str, *words: str) -> RobotMessage:
    """Wait until the newest message that takes the place of a card shows all these words; return it."""

    def look() -> RobotMessage | None:
        cards = [message for message in case.ding.robot_messages(chat) if message.msg_key == "sampleActionCard"]
        return next((card for card in cards[-1:] if all(word in card.text for word in words)), None)

    return await case.alice.until(look)


def commands(message: RobotMessage) -> list[str]:
    """Return what a message says one may type."""
    return re.findall("`([^`]+)`", message.text)


async def types(user: User, message: RobotMessage, verb: str, reason: str = "") -> str:
    """Type one of the commands of a message, with one's own reason; return the answer."""
    command = next(command for command in commands(message) if command.startswith(verb))
    return await user.says(command.replace("REASON", reason))


async def test_a_whole_release_by_what_the_messages_say(case: Office) -> None:
    fabu, alice, bob, carol = case.fabu, case.alice, case.bob, case.carol
    items = [
        step("notes", assignee="carol"),
        script("deploy", 'test "$FABU_ATTEMPT" -gt 1', needs=["notes"]),
        step("announce", needs=["deploy"]),
    ]
    await fabu.draft(*items, stages=[in_dingtalk("QA", "bob"), in_dingtalk("Operations", "@sre", rule=1)])
    shown = await alice.says("show 1")
    assert "`submit 1`" in shown
    assert "#1 is now: waiting for approval" in (await alice.says("submit 1")).replace("\\", "")

    asked = await card_in(case, "bob", "waiting for approval")
    assert commands(asked) == ["approve 1", "reject 1 REASON"]
    assert "rejected" in await types(bob, asked, "reject", "No rollback plan")
    denied = await card_in(case, GROUP, "rejected", "No rollback plan")
    assert "planning" in await types(alice, denied, "replan")
    assert "waiting for approval" in await types(alice, await card_in(case, GROUP, "planning"), "submit")
    assert "stage Operations" in await types(bob, await card_in(case, "bob", "waiting for approval"), "approve")
    assert "executing" in await types(carol, await card_in(case, "carol", "Operations"), "approve")

    own = await card_in(case, "carol", "Your item")
    assert "“Notes” is done" in await types(carol, own, "execute 1 1")
    assert "`execute 1 2`" in await alice.says("show 1")
    assert "“Deploy” is running" in await alice.says("execute 1 2")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
    assert "`retry 1 2`" in await alice.says("show 1")
    await alice.writes("retry 1 2")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "done")
    assert "successful" in await alice.says("skip 1 announce Nobody reads it", GROUP)

    await card_in(case, GROUP, "successful")
    await alice.until(lambda: "The plan is complete" in case.thread())
    assert case.ding.calls_to("card.create") == case.ding.calls_to("card.update") == []
    await fabu.log()


async def test_the_link_of_a_message_signs_its_reader_in_once(case: Office) -> None:
    await case.fabu.submitted(step("notes"), stages=[in_dingtalk("QA", "bob")])
    asked, group = [await card_in(case, chat, "waiting for approval") for chat in ("bob", GROUP)]
    assert group.params["singleURL"] == f"{PUBLIC_URL}/plans/1", "all of the group would read another link"
    link = asked.params["singleURL"].replace(PUBLIC_URL, case.fabu.url)
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
    later = await card_in(case, GROUP, "executing")
    assert later.params["singleURL"] == f"{PUBLIC_URL}/plans/1"


async def test_a_link_is_good_for_a_day_and_leads_nowhere_else(tmp_path: Path) -> None:
    async with office(tmp_path, SharedClock, card_template_id="") as case, browser(case) as bob:
        await case.fabu.submitted(step("notes"), stages=[in_dingtalk("QA", "bob")])
        asked = await card_in(case, "bob", "waiting for approval")
        link = asked.params["singleURL"].replace(PUBLIC_URL, case.fabu.url)
        case.ding.clock.advance(SENT.total_seconds() + 1)
        async with bob.post(link) as page:
            assert page.status == 401
            assert "Write “web” to Fabu" in await page.text()
        again = URL((await case.bob.says("web")).split()[-1].replace(PUBLIC_URL, case.fabu.url))
        async with bob.post(again.with_query(plan="//evil.example"), allow_redirects=False) as page:
            assert page.headers["Location"] == "/"


async def test_a_message_is_sent_once_for_every_status(case: Office) -> None:
    await case.fabu.submitted(step("notes"), step("announce"), stages=[in_dingtalk("QA", "bob", "carol")])
    for person in (case.bob, case.carol):
        await card_in(case, person.id, "waiting for approval")
        await person.writes("approve 1")
    for item in ("notes", "announce"):
        await case.alice.writes(f"execute 1 {item}")
    await card_in(case, GROUP, "successful")
    await case.alice.until(lambda: "The plan is complete" in case.thread())
    titles = [message.params["title"] for message in case.ding.robot_messages(GROUP) if "title" in message.params]
    assert titles == sorted(set(titles), key=titles.index)
    assert set(titles) <= {
        f"#1 Payments 2.4: {status}" for status in ("waiting for approval", "executing", "successful")
    }
    for name in ("bob", "carol"):
        asked = [message for message in case.ding.robot_messages(name) if message.msg_key == "sampleActionCard"]
        assert len(asked) == 1


async def test_in_chinese_the_messages_say_chinese_commands(tmp_path: Path) -> None:
    async with office(tmp_path, card_template_id="", language="zh_CN") as case:
        await case.fabu.submitted(step("notes"), stages=[in_dingtalk("测试", "bob")])
        asked = await card_in(case, "bob", "等待审批")
        assert commands(asked) == ["批准 1", "驳回 1 原因"]
        assert "执行中" in await case.bob.says(commands(asked)[0], GROUP)
        assert "成功" in await types(case.alice, await card_in(case, GROUP, "执行中"), "执行")
        await case.alice.until(lambda: "发布计划已完成" in case.thread())
