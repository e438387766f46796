"""Slack's newest blocks: what they show, and rows in their place where a workspace refuses them."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.blocks import Block, ContainerBlock, PlanBlock, TaskCardBlock

from adapters.slack.client import SlackClient
from adapters.slack.messenger import SlackMessenger
from adapters.slack.render import render_home, render_message
from adapters.slack.server import SlackServer
from core.card import (
    SAY,
    Button,
    Card,
    Option,
    Picker,
    Row,
    Section,
    Show,
    State,
    Tone,
    Weight,
    line,
    paragraph,
)
from core.chat import Reply
from core.errors import DeliveryError
from core.ports.messenger import Place
from tests.simulators import slack_blocks
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.unit.adapters.bot import Bot

from . import cards

JSON = dict[str, Any]
CHANNEL = Place(channel="C1")
RUNNING, LATER, DONE = (
    Row("6 Watch", Weight.RUNNING, cards.RUNNING, line("minute 4 of 10"), url="https://ci.example.com/6"),
    Row("9 Roll out", Weight.LATER, cards.LATER, line("after 6, 7")),
    tuple(Row(f"{n} Step", Weight.DONE, cards.DONE, line(f"by bob {n}")) for n in range(1, 4)),
)
NAMES = ("Item", "State", "Details")


def progress(later: tuple[Row, ...] = (RUNNING, LATER), done: tuple[Row, ...] = DONE) -> Card:
    """Return the card of a plan under way."""
    failed = Row("7 Test", Weight.BAD, State(Tone.BAD, "❌", "failed"), buttons=(Button("retry", "Retry", "r"),))
    sections = (
        Section("Now 1", (failed,)),
        Section(f"Later {len(later)}", later, Show.PROGRESS, columns=NAMES),
        Section(f"Done {len(done)}", done, Show.PROGRESS, folded=True, columns=NAMES),
        replace(paragraph("All of it", "for good", title="Release content"), folded=True),
    )
    return Card("#128 Hotfix", "#128 Hotfix: executing", sections=sections)


def many(count: int) -> Card:
    """Return the card of a plan with many items that come later."""
    return progress(tuple(Row(f"{n} Deploy", Weight.LATER, cards.LATER, line("x" * 200)) for n in range(count)))


def block_of(card: Card, kind: str) -> JSON:
    [block] = [block for block in render_message(card)["blocks"] if block["type"] == kind]
    return dict(block)


def test_progress_is_a_plan_of_tasks() -> None:
    plan = block_of(progress(), "plan")
    assert plan["title"] == "Later 2 · Done 3"
    assert [(task["title"], task["status"]) for task in plan["tasks"]] == [
        ("6 Watch · running · minute 4 of 10", "in_progress"),
        ("9 Roll out · later · after 6, 7", "pending"),
        ("Done 3", "complete"),
    ]
    assert plan["tasks"][0]["sources"] == [{"type": "url", "url": "https://ci.example.com/6", "text": "↗"}]
    [done] = plan["tasks"][2]["details"]["elements"]
    assert ["".join(part["text"] for part in entry["elements"]) for entry in done["elements"]] == [
        f"✅ {n} Step · done · by bob {n}" for n in (1, 2, 3)
    ]


def test_the_task_of_what_is_done_lists_fifty() -> None:
    done = tuple(Row(f"{n} Step", Weight.DONE, cards.DONE) for n in range(60))
    blocks = render_message(progress(done=done))["blocks"]
    at = [block["type"] for block in blocks].index("plan")
    [entries] = blocks[at]["tasks"][-1]["details"]["elements"]
    assert (len(entries["elements"]), blocks[at + 1]["elements"][0]["text"]) == (50, "+10 done")


def test_rows_with_buttons_stand_above_the_plan() -> None:
    waits = replace(LATER, title="8 Check", buttons=(Button("skip", "Skip", "s"),))
    blocks = render_message(progress((waits, LATER)))["blocks"]
    [beside] = [block for block in blocks if "8 Check" in str(block)]
    assert beside["accessory"]["action_id"] == "skip"
    assert blocks.index(beside) < [block["type"] for block in blocks].index("plan")


def test_the_progress_of_many_items_is_a_table() -> None:
    assert len(block_of(many(49), "plan")["tasks"]) == 50
    blocks = render_message(many(300))["blocks"]
    [table] = [block for block in blocks if block["type"] == "data_table"]
    assert (table["caption"], table["row_header_column_index"]) == ("Later 300", 0)
    header, *rows = [[cell["text"] for cell in row] for row in table["rows"]]
    assert header == list(NAMES)
    assert [row[:2] for row in rows] == [[f"{n} Deploy", "▫️ later"] for n in range(100)]
    assert len({len(row[2]) for row in rows}) == 1
    assert blocks[blocks.index(table) + 1]["elements"][0]["text"] == "+200 later · +3 done"


def test_what_is_running_is_a_task_and_not_a_row() -> None:
    now = Section("Now 2", (Row("7 Test", Weight.READY, buttons=(Button("execute", "Run", "r"),)), RUNNING))
    card = Card("t", "s", sections=(now, Section("Later 1", (LATER,), Show.PROGRESS)))
    plan = block_of(card, "plan")
    assert plan["title"] == "running · Later 1"
    assert [task["status"] for task in plan["tasks"]] == ["in_progress", "pending"]
    assert "6 Watch" not in str([block for block in render_message(card)["blocks"] if block["type"] != "plan"])


def test_of_many_items_only_the_next_have_buttons_where_a_picker_has_the_others() -> None:
    buttons = (Button("execute", "Run", "r"), Button("skip", "Skip", "s"))
    failed = Row("0 Test", Weight.BAD, buttons=(Button("retry", "Retry", "r"), buttons[1]))
    ready = tuple(Row(f"{n} Ship", Weight.READY, State(mark="▶️", word="ready"), buttons=buttons) for n in range(40))
    card = Card("t", "s", sections=(Section("Now 41", (failed, *ready)),))
    everything = render_message(card)["blocks"]
    assert str(everything).count("'action_id': 'skip'") > 20
    picker = Picker("Any item…", SAY, (Option("▶️ 1 Ship", "show 1 1"),))
    blocks = render_message(replace(card, picker=picker))["blocks"]
    assert [block["accessory"]["action_id"] for block in blocks if "accessory" in block] == ["execute"] * 5
    [failed_row, below] = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert [each["action_id"] for each in failed_row] == ["retry", "skip"]
    assert [each["action_id"] for each in below] == [SAY]
    [plan] = [block for block in blocks if block["type"] == "plan"]
    assert (plan["title"], len(plan["tasks"]), plan["tasks"][0]["status"]) == ("ready", 35, "pending")
    rows = render_message(replace(card, picker=picker), newest=False)["blocks"]
    assert [block["accessory"]["action_id"] for block in rows if "accessory" in block] == ["execute"] * 5
    assert "24 Ship" in str(rows)
    assert "25 Ship" not in str(rows)
    assert [block["elements"][0]["text"] for block in rows if block["type"] == "context"] == ["+15 ready"]


def test_what_is_folded_is_closed() -> None:
    container = block_of(progress(), "container")
    assert (container["title"]["text"], container["default_collapsed"]) == ("Release content", True)
    assert "for good" in str(container["child_blocks"])
    folded = tuple(replace(section, folded=True) for section in progress().sections)
    assert block_of(Card("t", "s", sections=folded), "container")["title"]["text"] == (
        "Now 1 · Later 2 · Done 3 · Release content"
    )


def test_what_has_no_room_in_a_container_is_open() -> None:
    rows = tuple(Row(f"{n} Item", url="https://a.example.com") for n in range(11))
    blocks = render_message(Card("t", "s", sections=(Section("Items", rows, folded=True),)))["blocks"]
    assert [block["type"] for block in blocks] == ["header", "rich_text", *["section"] * 11]


def test_a_single_line_is_not_folded() -> None:
    section = Section("Approval", (Row("SRE", state=cards.DONE),), folded=True)
    assert [block["type"] for block in render_message(Card("t", "s", sections=(section,)))["blocks"]] == [
        *("header", "rich_text", "rich_text")
    ]


@pytest.mark.parametrize("card", [progress(), many(300)])
def test_home_tabs_and_refusing_workspaces_get_rows(card: Card) -> None:
    for blocks in (render_home(card)["blocks"], render_message(card, newest=False)["blocks"]):
        assert slack_blocks.problems(blocks, newest=False) == []
        assert "9 Roll out" in str(blocks) or "99 Deploy" in str(blocks)


def test_a_home_tab_has_room_for_a_hundred_blocks() -> None:
    rows = tuple(Row(f"{n}", Weight.READY, buttons=(Button("execute", "Run", "r"),)) for n in range(120))
    view = render_home(Card("t", "s", sections=(Section(rows=rows),)))
    assert 95 < len(view["blocks"]) <= 100
    assert slack_blocks.view_problems(view, "home") == []


def test_the_sdk_takes_them() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = PlanBlock(**block_of(progress(), "plan"))
        for task in plan.tasks or ():
            assert TaskCardBlock(**dict(task)).to_dict()["type"] == "task_card"  # type: ignore[arg-type]
        assert plan.to_dict()["title"] == "Later 2 · Done 3"
        container = Block.parse(block_of(progress(), "container"))
        assert isinstance(container, ContainerBlock)
        assert container.to_dict()["child_blocks"]


async def test_each_update_has_new_ids(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    posted = await messenger.post(CHANNEL, progress(), "k")
    [message] = sim.messages("C1")
    first = {block["type"]: block["block_id"] for block in message.blocks}
    assert await messenger.update(posted, progress())
    second = {block["type"]: block["block_id"] for block in message.blocks}
    assert first["plan"] != second["plan"]
    assert first["container"] != second["container"]
    assert sim.complaints == []


async def test_a_workspace_that_refuses_them_gets_rows_from_then_on(
    sim: SlackSimulator, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    sim.workspace.has_newest_blocks = False
    with caplog.at_level(logging.WARNING):
        posted = await messenger.post(CHANNEL, progress(), "k")
        assert await messenger.update(posted, progress())
        await messenger.post(CHANNEL, many(300), "k2")
    assert [len(sim.calls_to(each)) for each in ("chat.postMessage", "chat.update")] == [3, 1]
    assert "9 Roll out · later" in text_of(sim.messages("C1")[0])
    [record] = [each for each in caplog.records if "does not take the blocks" in each.getMessage()]
    assert "container, plan" in record.getMessage()


async def test_what_is_refused_either_way_says_nothing_of_the_workspace(
    sim: SlackSimulator, messenger: SlackMessenger
) -> None:
    sim.fail("chat.postMessage", times=2, status=200, body={"ok": False, "error": "invalid_blocks"})
    with pytest.raises(DeliveryError):
        await messenger.post(CHANNEL, progress(), "k")
    await messenger.post(CHANNEL, progress(), "k2")
    assert "plan" in [block["type"] for block in sim.messages("C1")[0].blocks]


async def test_the_next_attempt_of_a_refused_card_is_one_call(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    sim.workspace.has_newest_blocks = False
    sim.fail("chat.postMessage", status=200, body={"ok": False, "error": "invalid_blocks"})
    sim.fail("chat.postMessage", status=503)
    with pytest.raises(DeliveryError):
        await messenger.post(CHANNEL, progress(), "k")
    await messenger.post(CHANNEL, progress(), "k")
    assert len(sim.calls_to("chat.postMessage")) == 3


async def test_a_refusal_of_one_card_is_about_that_card(
    sim: SlackSimulator, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    await messenger.post(CHANNEL, progress(), "k")
    sim.fail("chat.postMessage", status=200, body={"ok": False, "error": "invalid_blocks"})
    await messenger.post(CHANNEL, progress(), "k2")
    await messenger.post(CHANNEL, progress(), "k3")
    kinds = ["plan" in [block["type"] for block in message.blocks] for message in sim.messages("C1")]
    assert kinds == [True, False, True]
    assert "for this one" in caplog.text


async def test_a_card_without_them_is_not_sent_twice(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    sim.fail("chat.postMessage", status=200, body={"ok": False, "error": "invalid_blocks"})
    with pytest.raises(DeliveryError):
        await messenger.post(CHANNEL, cards.card(), "k")
    assert len(sim.calls_to("chat.postMessage")) == 1


async def test_another_refusal_is_not_taken_for_theirs(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    with pytest.raises(DeliveryError):
        await messenger.post(Place(channel="C9"), progress(), "k")
    assert len(sim.calls_to("chat.postMessage")) == 1


@pytest.mark.parametrize("takes", [True, False])
async def test_the_card_of_a_command_has_what_the_workspace_is_known_to_take(
    sim: SlackSimulator, bot: Bot, app: SlackServer, takes: bool
) -> None:
    sim.workspace.has_newest_blocks = takes
    bot.reply = Reply(card=progress())
    kinds = []
    for _ in range(2):
        await sim.slash("U1", "C1", "show 1")
        kinds.append("plan" in [block["type"] for block in sim.ephemerals("U1")[-1].blocks])
        await sim.event("app_mention", "U1", "show 1", "C1")
        await sim.until(lambda: bool(sim.messages("C1")))
    assert kinds == [False, takes]


@pytest.mark.parametrize("takes", [True, False])
async def test_a_clicked_card_is_replaced_in_any_workspace(
    sim: SlackSimulator, bot: Bot, app: SlackServer, client: SlackClient, takes: bool
) -> None:
    sim.workspace.has_newest_blocks = takes
    await SlackMessenger(client).post(CHANNEL, progress(), "k")
    [message] = sim.messages("C1")
    bot.reply = Reply("done", Tone.GOOD, card=replace(progress(), title="#128 Changed"), replaces=True)
    await sim.click("U1", message, "retry")
    await sim.until(lambda: "#128 Changed" in text_of(message))
    assert ("plan" in [block["type"] for block in message.blocks]) == takes
