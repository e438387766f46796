"""What users do and see, over HTTP and over Socket Mode alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.slack.settings import SlackSettings
from core.card import Button, Card, Field, Option, Picker, Style, Tone
from core.chat import Reply
from tests.adapters import changed
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.simulators.slack_workspace import Message, View
from tests.unit.adapters.bot import Bot

from . import cards
from .conftest import running

RETRY = Button("retry", "Retry", "p1.n1.i2.item")


@pytest.fixture(params=["http", "socket"])
async def slack(
    request: pytest.FixtureRequest, sim: SlackSimulator, settings: SlackSettings, bot: Bot
) -> AsyncIterator[SlackSimulator]:
    secret = settings.signing_secret if request.param == "http" else ""
    async with running(sim, changed(settings, mode=request.param, signing_secret=secret), bot):
        yield sim
    assert sim.complaints == []


async def shown(slack: SlackSimulator, bot: Bot, card: Card | None = None) -> Message:
    """Let U1 see a card as the ephemeral answer to a command."""
    bot.replies["show 7"] = Reply(card=card or cards.card())
    await slack.slash("U1", "C1", "show 7")
    bot.asked.clear()
    return slack.ephemerals("U1")[-1]


async def modal(slack: SlackSimulator, user: str = "U1") -> View:
    return await slack.until(lambda: slack.modal(user))


async def told(slack: SlackSimulator, count: int, user: str = "U1") -> Message:
    """Wait for the count-th message that a user alone sees."""
    return (await slack.until(lambda: slack.ephemerals(user)[count - 1 :]))[0]


async def pick(slack: SlackSimulator, bot: Bot) -> Message:
    """Let U1 pick an item of a card, and return the card."""
    picker = Picker("Any item…", "show", (Option("1 Notes", "p1..i1"), Option("2 Deploy", "p1..i2")))
    card = await shown(slack, bot, replace(cards.card(), picker=picker))
    bot.replies["show"] = Reply(card=Card("2 Deploy", "2 Deploy", buttons=(RETRY, cards.SKIP)), aside=True)
    await slack.click("U1", card, "show", choice="2 Deploy")
    return card


async def item_of(slack: SlackSimulator, bot: Bot) -> tuple[Message, View]:
    """Let U1 pick an item of a card; return the card, and the modal with the item."""
    return await pick(slack, bot), await modal(slack)


async def test_command_is_answered_at_once(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["list <mine> & more"] = Reply("<!channel> & `help`", card=cards.card())
    await slack.slash("U1", "C1", "list <mine> & more")
    [answer] = slack.ephemerals("U1")
    assert text_of(answer).startswith("<!channel> & `help`\n#7 Payments\n")
    [asked] = bot.asked
    assert (asked.platform, asked.user, asked.channel, asked.private) == ("slack", "U1", "C1", True)
    assert asked.key


async def test_click_reaches_the_bot_and_its_toast_the_user(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    bot.replies["approve"] = Reply("Your approval counts.")
    assert (await slack.click("U1", card, "Approve")).body in ("", {})
    assert (await told(slack, 2)).text == "Your approval counts."
    [asked] = bot.asked
    assert (asked.verb, asked.ref, asked.user, asked.channel, asked.message) == (
        "approve", "ref-1", "U1", "C1", card.ts,
    )  # fmt: skip
    assert (asked.text, dict(asked.values)) == ("", {})


async def test_row_buttons_keep_verb_and_ref(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    done = [
        (block["block_id"], element)
        for block in card.all_blocks()
        for element in [block.get("accessory"), *block.get("elements", [])]
        if element and element.get("action_id") == "execute"
    ]
    for block_id, element in done:
        await slack.click("U1", card, (block_id, element["action_id"]))
    assert [asked.ref for asked in bot.asked] == ["ref-1.b", "ref-1.c"]


async def test_two_buttons_of_one_verb_stand_side_by_side(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot, cards.card("x", *(Button("show", f"Plan {n}", f"ref-{n}") for n in (1, 2))))
    await slack.click("U1", card, "Plan 2")
    assert (bot.asked[0].verb, bot.asked[0].ref) == ("show", "ref-2")


async def test_an_option_of_a_menu_keeps_verb_and_ref(slack: SlackSimulator, bot: Bot) -> None:
    buttons = (Button(verb, verb.title(), f"ref-{verb}") for verb in ("submit", "recheck", "replan", "diff", "log"))
    card = await shown(slack, bot, cards.card("x", *buttons))
    await slack.click("U1", card, "more", choice="Log")
    assert (bot.asked[0].verb, bot.asked[0].ref, bot.asked[0].text) == ("log", "ref-log", "")


async def test_what_is_picked_opens_beside_the_card(slack: SlackSimulator, bot: Bot) -> None:
    card, item = await item_of(slack, bot)
    assert text_of(item).startswith("2 Deploy\n")
    picked = bot.asked[0]
    assert (picked.verb, picked.ref, picked.text, dict(picked.values)) == ("show", "p1..i2", "", {})
    await slack.click("U1", card, "Approve")
    assert (bot.asked[1].verb, dict(bot.asked[1].values)) == ("approve", {})


async def test_a_click_in_a_modal_is_answered_in_it(slack: SlackSimulator, bot: Bot) -> None:
    card, item = await item_of(slack, bot)
    bot.replies["retry"] = Reply("It runs.", Tone.GOOD, Card("2 Deploy · running", "x"), replaces=True)
    await slack.click("U1", item, "retry")
    await slack.until(lambda: "2 Deploy · running" in text_of(item))
    assert "It runs." in text_of(item)
    asked = bot.asked[-1]
    assert (asked.channel, asked.message, asked.private) == ("C1", card.ts, True)
    assert (len(slack.ephemerals("U1")), slack.modal("U1")) == (1, item)


async def test_a_refusal_in_a_modal_lies_above_it(slack: SlackSimulator, bot: Bot) -> None:
    _, item = await item_of(slack, bot)
    bot.replies["retry"] = Reply("Only Alice may.", Tone.BAD)
    await slack.click("U1", item, "retry")
    refusal = await slack.until(lambda: view if (view := slack.modal("U1")) is not item else None)
    assert "Only Alice may." in text_of(refusal)
    await slack.close_view("U1", refusal)
    assert slack.modal("U1") is item


async def test_a_form_in_a_modal_lies_above_it_and_its_reply_takes_its_place(slack: SlackSimulator, bot: Bot) -> None:
    _, item = await item_of(slack, bot)
    bot.replies["skip"] = Reply(form=cards.WHY)
    await slack.click("U1", item, "skip")
    form = await slack.until(lambda: view if (view := slack.modal("U1")) is not item else None)
    bot.replies["reject"] = Reply("You may not.", Tone.BAD)
    await slack.submit_view("U1", form, {"Why?": "x"})
    assert "You may not." in text_of(form)
    await slack.close_view("U1", form)
    await slack.click("U1", item, "skip")
    form = await slack.until(lambda: view if (view := slack.modal("U1")) is not item else None)
    bot.replies["reject"] = Reply("Skipped.", Tone.GOOD, Card("2 Deploy · skipped", "x"), replaces=True)
    await slack.submit_view("U1", form, {"Why?": "x"})
    await slack.until(lambda: "2 Deploy · skipped" in text_of(item))
    assert slack.modal("U1") is item


@pytest.mark.parametrize("method", ["views.open", "views.update"])
async def test_where_no_modal_can_be_shown_there_is_a_message(slack: SlackSimulator, bot: Bot, method: str) -> None:
    if method == "views.open":
        slack.fail(method, body={"ok": False, "error": "expired_trigger_id"})
        await pick(slack, bot)
        assert "2 Deploy" in text_of(await told(slack, 2))
        return
    _, item = await item_of(slack, bot)
    slack.fail(method, body={"ok": False, "error": "not_found"})
    bot.replies["retry"] = Reply("It runs.", Tone.GOOD, Card("2 Deploy · running", "x"), replaces=True)
    await slack.click("U1", item, "retry")
    assert "It runs." in text_of(await told(slack, 2))


async def test_link_buttons_ask_nothing(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    await slack.click("U1", card, "Open")
    assert bot.asked == []


async def test_form_in_answer_to_a_click_opens_as_a_modal(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    bot.replies["reject"] = Reply(form=cards.WHY)
    await slack.click("U1", card, "Reject")
    view = await modal(slack)
    assert dict(bot.asked[0].values) == {}
    assert text_of(view) == "Reject: #7 Payments\nWhy?\nShown to all"
    bot.replies["reject"] = Reply("Rejected.")
    await slack.submit_view("U1", view, {"Why?": "<too> risky & late"})
    assert (await told(slack, 2)).text == "Rejected."
    assert slack.modal("U1") is None
    asked = bot.asked[-1]
    assert (asked.verb, asked.ref, dict(asked.values)) == ("reject", "ref-1", {"text": "<too> risky & late"})
    assert (asked.channel, asked.message) == ("C1", card.ts)


async def test_optional_field_left_empty(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    bot.replies["reject"] = Reply(form=replace(cards.WHY, fields=(Field("Why?"),)))
    await slack.click("U1", card, "Reject")
    await slack.submit_view("U1", await modal(slack))
    assert dict(bot.asked[-1].values) == {"text": ""}


async def test_errors_keep_the_modal_open(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["new"] = Reply(form=cards.NEW)
    await slack.slash("U1", "C1", "new")
    view = await modal(slack)
    bot.replies["new"] = Reply("No.", errors={"items": "Too many.", "approval": "Who?", "manager": "Who?"})
    refused = await slack.submit_view("U1", view, {"Name": "v3"})
    assert refused.body["errors"] == {"items": "Too many.", "name": "Who? Who?"}
    assert slack.modal("U1") is view
    bot.replies["new"] = Reply("Created.", card=cards.card())
    await slack.submit_view("U1", view, {"Name": "v3", "Items": "a\nb"})
    assert text_of(await told(slack, 1)).startswith("Created.\n#7 Payments")
    assert dict(bot.asked[-1].values) == {"name": "v3", "items": "a\nb"}


async def test_form_in_answer_to_a_form_replaces_it(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["new"] = Reply(form=cards.NEW)
    await slack.slash("U1", "C1", "new")
    view = await modal(slack)
    bot.replies["new"] = Reply(form=replace(cards.NEW, title="Once more"))
    await slack.submit_view("U1", view)
    assert view.title == "Once more"
    bot.replies["new"] = Reply("Created.")
    await slack.submit_view("U1", view)
    assert (await told(slack, 1)).text == "Created."


async def test_slow_bot_answers_a_command_later(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["list"] = Reply("At last.")
    bot.free.clear()
    assert (await slack.slash("U1", "C1", "list")).status == 200
    assert slack.ephemerals("U1") == []
    bot.free.set()
    assert (await told(slack, 1)).text == "At last."


async def test_slow_bot_answers_a_click_and_a_modal_later(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    bot.replies["reject"] = Reply(form=cards.WHY)
    await slack.click("U1", card, "Reject")
    view = await modal(slack)
    bot.replies |= {"approve": Reply("Approved."), "reject": Reply("Rejected.", errors={"text": "no"})}
    bot.free.clear()
    assert (await slack.click("U1", card, "Approve")).status == 200
    assert (await slack.submit_view("U1", view, {"Why?": "late"})).status == 200
    bot.free.set()
    await told(slack, 3)
    assert {message.text for message in slack.ephemerals("U1")[1:]} == {"Approved.", "Rejected."}


async def test_mention_is_answered_in_its_thread(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["show 7 <b>"] = Reply(card=cards.card())
    await slack.event("app_mention", "U1", "show 7 <b>", "C1")
    asked = slack.workspace.channel("C1").messages[0]
    [answer] = await slack.until(lambda: slack.messages("C1", thread=asked.ts))
    assert answer.text == "#7 Payments: executing"
    assert (bot.asked[0].message, bot.asked[0].private) == (asked.ts, False)


async def test_direct_message_is_answered_below(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["help"] = Reply("It is simple.")
    await slack.event("message.im", "U1", "help")
    [answer] = await slack.until(lambda: slack.dms("U1"))
    assert (answer.text, answer.thread_ts) == ("It is simple.", None)
    assert bot.asked[0].private


async def test_form_for_a_message_waits_behind_a_button(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies["new v2"] = Reply(form=cards.NEW)
    await slack.event("message.im", "U1", "new v2")
    [offer] = await slack.until(lambda: slack.dms("U1"))
    await slack.click("U1", offer, "New release plan")
    assert (await modal(slack)).title == "New release plan"
    assert [asked.text for asked in bot.asked] == ["new v2", "new v2"]


async def test_other_messages_are_none_of_ours(slack: SlackSimulator, bot: Bot) -> None:
    said = {"type": "message", "user": "U1", "channel": "C1", "channel_type": "channel", "text": "hi", "ts": "1.1"}
    for event in (
        said,
        said | {"channel_type": "im", "bot_id": "B0FABU"},
        said | {"channel_type": "im", "subtype": "message_changed"},
        {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages"},
    ):
        assert (await slack.event_raw(event)).status == 200
    assert bot.asked == []


async def test_home_tab_and_clicks_in_it(slack: SlackSimulator, bot: Bot) -> None:
    bot.replies |= {
        "home": Reply(card=cards.card("Mine")),
        "approve": Reply("Approved."),
        "reject": Reply(form=cards.WHY),
    }
    await slack.event("app_home_opened", "U1")
    home = await slack.until(lambda: slack.home("U1"))
    assert text_of(home).startswith("Mine\n")
    bot.replies["home"] = Reply(card=cards.card("Nothing left"))
    await slack.click("U1", home, "Approve")
    await slack.until(lambda: text_of(home).startswith("Nothing left\n"))
    await slack.click("U1", home, "Reject")
    view = await modal(slack)
    bot.replies |= {"home": Reply("You are not known here."), "reject": Reply("Rejected.")}
    await slack.submit_view("U1", view, {"Why?": "no"})
    await slack.until(lambda: "You are not known here." in text_of(home))
    assert [message.text for message in slack.dms("U1")] == ["Approved.", "Rejected."]


async def test_answer_goes_to_the_person_where_the_bot_is_no_member(slack: SlackSimulator, bot: Bot) -> None:
    slack.add_channel("C2", "elsewhere", is_member=False)
    bot.replies["approve"] = Reply("Approved.")
    reply = await slack.click_raw(
        "U1", channel="C2", message_ts="1.1", action_id="approve", value="ref-1",
        response_url="http://evil.example.com/response",
    )  # fmt: skip
    assert reply.status == 200
    [message] = await slack.until(lambda: slack.dms("U1"))
    assert message.text == "Approved."
    slack.calls = [call for call in slack.calls if call.operation != "chat.postEphemeral"]  # refused, as it should be


async def test_same_payload_again_has_the_same_key(slack: SlackSimulator, bot: Bot) -> None:
    for _ in range(2):
        await slack.click_raw(
            "U1", channel="C1", message_ts="1.1", action_id="approve", value="r", trigger_id="1.2.abc"
        )
        await slack.event_raw({"type": "app_mention", "user": "U1", "channel": "C1", "text": "list", "ts": "1.1"})
    assert [asked.key for asked in bot.asked] == ["1.2.abc", "C1:1.1"] * 2


async def test_confirmation_is_shown(slack: SlackSimulator, bot: Bot) -> None:
    card = await shown(slack, bot)
    [cancel] = [
        element
        for block in card.all_blocks()
        for element in block.get("elements", [])
        if element.get("action_id") == "cancel"
    ]
    assert cancel["confirm"]["text"]["text"] == "For good?"
    assert cancel["style"] == Style.DANGER
