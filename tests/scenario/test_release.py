"""A whole release, from its first draft to its end, played in each chat: clicked and typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine

from bot.adapters import CHATS as ADAPTERS
from tests.scenario.chats.registry import CHATS, VENDORS
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.office import script, sql, step
from tests.waiting import eventually

LINES = """\
Alice: started the plan
Alice: finished the planning
Alice: asked for approval
Bob: approved in stage QA
Carol: rejected in stage QA — No rollback plan
The plan is rejected — No rollback plan
Alice: took the plan back to planning
Alice: finished the planning
Alice: asked for approval
Erin: approved in stage QA — Checked twice
Bob: approved in stage QA
Stage QA is complete
Dave: approved in stage Operations
Stage Operations is complete
The plan is approved
The plan may be executed now
Erin: completed “Notes” — Written in the wiki
Alice: started “Deploy”, attempt 1
System: “Deploy”: failed — all/go: exit code 1
Alice: started “Deploy”, attempt 2
System: “Deploy”: passed
Alice: started “Migrate”, attempt 1
System: “Migrate”: passed
Alice: skipped “Announce” — Nobody reads it
The plan is complete""".splitlines()
EVENTS = [
    "created", "finished", "submitted", "voted", "voted", "denied", "replanned", "finished", "submitted",
    "voted", "voted", "stage_passed", "voted", "stage_passed", "approved", "execution_started",
    "item_done", "run_requested", "run_changed", "run_ended", "run_requested", "run_changed", "run_ended",
    "run_requested", "run_changed", "run_ended", "item_skipped", "succeeded",
]  # fmt: skip
DEPLOY = script("deploy", 'echo "attempt $FABU_ATTEMPT"; test "$FABU_ATTEMPT" -gt 1', needs=["notes"])
MIGRATE = sql("migrate", "shop", "UPDATE orders SET state = 'new'", needs=["deploy"])
ITEMS = [step("notes", assignee="erin"), DEPLOY, MIGRATE, step("announce", needs=["migrate"])]
BUTTONS = ("Approve", "Reject", "Done", "Run", "Skip", "Retry")
TYPOS = {
    "aprove 1": "没有“aprove”这个命令。你是想输入 `approve` 吗？",
    "批淮 1": "没有“批淮”这个命令。你是想输入 `批准` 吗？",
    "跳国1 2": "没有“跳国1”这个命令。你是想输入 `跳过` 吗？",
    "早上好": "没有“早上好”这个命令。发送 `帮助` 查看全部命令。",
    "驳回": "`驳回` 还需要计划编号。发送 `帮助` 查看写法。",
    "执行 1": "`执行` 还需要",
    "批准 99": "找不到计划 99。发送 `列表` 查看现有内容。",
    "执行 1 部署": "该计划没有发布项 部署。发送 `查看` 可列出其发布项。",
}


class Shop:
    """A database with one order in it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/shop.db"
        self._engine = create_engine(self.url, poolclass=NullPool)
        with self._engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE orders (state TEXT)")
            connection.exec_driver_sql("INSERT INTO orders VALUES ('old')")

    def states(self) -> list[str]:
        """Return the states of all orders."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql("SELECT state FROM orders").scalars())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat in each of the ways in which it is used."""
    return CHATS[request.param]


@pytest.fixture
async def office(tmp_path: Path, chat: Chat, shop: Shop) -> AsyncIterator[Office[Any, Any]]:
    async with chat.office(tmp_path, others={"local": {"databases": {"shop": shop.url}}}) as opened:
        yield opened


def stages(chat: Chat) -> list[dict[str, Any]]:
    """Two of three approve the quality, and an administrator that it is run."""
    return [chat.vendor.stage("QA", "bob", "@sre", rule=2), chat.vendor.stage("Operations", "dave")]


def test_every_chat_plays_the_release() -> None:
    assert ADAPTERS.keys() == VENDORS.keys() == {chat.vendor.name for chat in CHATS.values()}


async def test_a_whole_release_by_buttons(office: Office[Any, Any], chat: Chat, shop: Shop) -> None:
    fabu, alice, bob, carol, dave, erin = office.fabu, office.alice, office.bob, office.carol, office.dave, office.erin
    await fabu.draft(*ITEMS, stages=stages(chat))
    assert "#1 is now: waiting for approval." in await alice.says("submit 1", office.channel)

    await fabu.until_seen("bob")
    assert await bob.clicks("Approve") == "Your approval counts. #1 now waits for stage QA."
    assert "why" in (await carol.clicks("Reject")).lower(), "a rejection needs a reason"
    assert await fabu.status() == "wait_for_approval"
    assert "Rejected. #1 is now: rejected." in await carol.clicks("Reject", text="No rollback plan")
    assert await fabu.status() == "denied"
    await bob.sees("rejected", "👎 Carol", "No rollback plan")

    card = await office.channel_card("rejected")
    assert "#1 is now: planning." in await alice.clicks("Replan", on=card)
    card = await office.channel_card("planning")
    assert "waiting for approval" in await alice.clicks("Submit", on=card)
    assert "You are not an approver" in await alice.says("approve 1")
    await erin.card_with("Approve")
    await fabu.until_seen("erin")
    assert "stage QA" in await erin.says("approve 1 Checked twice")
    await fabu.until_seen("bob")
    assert "stage Operations" in await bob.clicks("Approve")
    await fabu.until_seen("dave")
    assert "#1 is now: executing." in await dave.clicks("Approve")

    assert await erin.clicks("Done", text="Written in the wiki") == "“Notes” is done. #1 is now: executing."
    card = await office.channel_card("Written in the wiki")
    assert "“Deploy” is running" in await alice.clicks("Run", on=card, item="Deploy")
    card = await office.channel_card("❌ 2 Deploy", "exit code 1")
    assert "“Deploy” is running" in await alice.clicks("Retry", on=card, item="Deploy")
    card = await office.channel_card("✅ 2 Deploy")
    assert "“Migrate” is running" in await alice.clicks("Run", on=card, item="Migrate")
    card = await office.channel_card("✅ 3 Migrate")
    assert "why" in (await alice.clicks("Skip", on=card, item="Announce")).lower(), "so does a skip"
    answer = await alice.clicks("Skip", on=card, item="Announce", text="Nobody reads it")
    assert answer == "“Announce” is skipped. #1 is now: successful."

    assert await fabu.status() == "success"
    assert shop.states() == ["new"]
    assert [event for event in await fabu.events() if event != "refused"] == EVENTS
    await alice.until(lambda: "The plan is complete" in office.thread())
    assert office.thread() == chat.vendor.lines(*LINES, await fabu.head())
    await office.channel_card("successful")
    if chat.cards:
        asked = 3 + 3 + 1 + 1  # the first stage in each round, Dave, and Erin's digest
        notified = 4  # Alice: of the rejection, the end of the first stage, the approval, and the run that failed
        shown = await until_all_cards_are_final(office)
        assert sum(alice.shows(card, "Replaced by revision 2.") for card in shown) == 3, "those of the first round"
        retried = 1  # a failure that is retried before its notice is due needs none any more
        assert asked + notified - retried <= len(shown) - 1 <= asked + notified
        assert not any(alice.offers(card, button) for card in shown for button in BUTTONS)


async def test_a_whole_release_by_chinese_words(office: Office[Any, Any], chat: Chat) -> None:
    fabu, alice, bob, dave, erin = office.fabu, office.alice, office.bob, office.dave, office.erin
    await fabu.draft(*ITEMS, stages=[chat.vendor.stage("QA", "bob"), chat.vendor.stage("Operations", "dave")])
    assert "waiting for approval" in await alice.says("提交 1", office.channel)
    assert "say why" in await bob.says("驳回 1")
    assert "#1 is now: rejected" in await bob.says("驳回 #1 没有回滚方案", office.channel)
    assert "planning" in await alice.says("重新规划 1")
    assert "waiting for approval" in await alice.says("提交1")
    await fabu.until_seen("bob")
    assert "stage Operations" in await bob.says("批准 1 没问题", office.channel)
    await fabu.until_seen("dave")
    assert "executing" in await dave.says("同意 1")

    assert "“Notes” is done" in await erin.says("执行 1 notes 写好了")
    assert "“Deploy” is running" in await alice.says("执行 1 2", office.channel)
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
    assert "“Deploy” is running" in await alice.says("重试 1 Deploy")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "done")
    assert "“Migrate” is skipped" in await alice.says("跳过 1 migrate 不需要")
    assert "successful" in await alice.says("跳过 1 announce 不需要", office.channel)

    assert "#1 Payments 2.4" in await alice.asks("列表", office.channel)
    assert "没有回滚方案" in await alice.asks("记录 1")
    help_text = await alice.asks("帮助", office.channel)
    assert "approve" in help_text
    assert await alice.asks("", office.channel) == help_text, "a mention alone asks for help"
    notes, *_, announce = (await fabu.plan())["items"]
    assert (notes["remark"], announce["status"]) == ("写好了", "skipped")
    await office.channel_card("successful")
    if chat.cards:
        await until_all_cards_are_final(office)


async def until_all_cards_are_final(office: Office[Any, Any]) -> list[Any]:
    """Wait until every card shows the end of the plan, that it was replaced or that nothing waits; return the cards."""
    alice = office.alice

    def look() -> list[Any] | None:
        cards = office.lasting_cards
        ends = ("successful", "Replaced by revision 2.", "Nothing waits for you.")
        return cards if all(any(alice.shows(card, words) for words in ends) for card in cards) else None

    final: list[Any] = await alice.until(look)
    return final


async def test_who_mistypes_reads_what_may_be_meant(tmp_path: Path, chat: Chat) -> None:
    async with chat.office(tmp_path, language="zh_CN") as office:
        await office.fabu.submitted(step("notes"))
        for typed, answer in TYPOS.items():
            assert (await office.alice.says(typed, office.channel)).startswith(answer)
        assert await office.fabu.status() == "executing"
