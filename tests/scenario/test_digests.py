"""The digest: one message for each person over all plans, kept up to date, in every chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.outbox.digests import PAUSE
from config.settings import Settings
from core.ports.digests import DigestRecord
from tests.clock import SharedClock
from tests.scenario.chats.feishu import FEISHU
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.office import Fabu, Json, opened, script, step
from tests.scenario.test_stale_cards import REFUSALS, UPDATING
from tests.simulators.feishu_cards import buttons
from tests.waiting import eventually

ONE_WAY_EACH = ("slack-http", "feishu-http", "dingtalk-http", "dingtalk-text-http")
FAILING = script("deploy", 'test "$FABU_ATTEMPT" -gt 1', assignee="bob")
MANY = [step(f"step{number}", assignee="bob") for number in range(1, 81)]


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat in each of the ways in which it is used."""
    return CHATS[request.param]


each_chat = pytest.mark.parametrize("chat", [CHATS[name] for name in ONE_WAY_EACH], ids=ONE_WAY_EACH)
each_card = pytest.mark.parametrize("chat", [CHATS[name] for name in ONE_WAY_EACH[:3]], ids=ONE_WAY_EACH[:3])


@pytest.fixture
async def office(tmp_path: Path, chat: Chat) -> AsyncIterator[Office[Any, Any]]:
    async with chat.office(tmp_path, clock=SharedClock) as opened:
        yield opened


async def pass_time(office: Office[Any, Any], by: timedelta = PAUSE) -> None:
    """Let time pass after what is sent now, for Fabu and for the chat."""
    await until_delivered(office)
    office.bob.simulator.clock.advance(by.total_seconds())


async def records(fabu: Fabu, person: str = "bob") -> list[DigestRecord]:
    return await fabu.services.store.read(lambda reading: reading.digests.of_person(person))


async def until_delivered(office: Office[Any, Any]) -> None:
    """Wait until no card and no digest has to be updated now; a line about a digest may have to be sent later."""

    def is_due(each: Json) -> bool:
        if each["kind"] != "sync":
            return False
        wait = datetime.fromisoformat(each["due_at"]).timestamp() - office.bob.simulator.clock.now()
        later = each["destination"].startswith("digests:") and each["attempts"] == 0 and wait > 2
        return not later

    async def due() -> list[Json]:
        return list(filter(is_due, (await office.fabu.api("GET", "/deliveries"))["items"]))

    await eventually(due, wanted=lambda left: not left)


async def execute(fabu: Fabu, key: str, by: str, number: int = 1) -> None:
    item = await fabu.item(key, number)
    await fabu.api("POST", f"/plans/{number}/items/{item['id']}/execute", {}, by=by)


async def test_eighty_items_of_one_person_are_one_message(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(*MANY)
    digest = await bob.until(lambda: bob.cards[0] if bob.cards else None)
    assert bob.shows(digest, "80 things wait for you", "#1 · 1 Step1")
    await until_delivered(office)
    await fabu.submitted(step("more", assignee="bob"), name="Hotfix")
    if chat.cards:
        await bob.until(lambda: bob.shows(digest, "81 things wait for you"))
        await until_delivered(office)
    assert len(bob.cards) == 1, "nothing more is sent within a minute"


@each_chat
async def test_something_new_moves_the_digest_down(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"), step("later", assignee="bob", needs=["notes"]))
    old = await bob.card_with("Done")
    assert bob.shows(old, "1 thing waits for you", "#1 · 1 Notes", "Later 1", "after: Notes")
    await pass_time(office)
    await fabu.submitted(step("fix", assignee="bob"), name="Hotfix")
    [_, new] = await bob.until(lambda: bob.cards if len(bob.cards) == 2 else None)
    assert bob.shows(new, "2 things wait for you", "#1 · 1 Notes", "#2 · 1 Fix", "Hotfix")
    if chat.cards:
        await bob.until(lambda: bob.shows(old, "Moved below") and not bob.offers(old, "Done"))
    assert "“Fix” is done" in await bob.clicks("Done", on=new, item="Fix") if chat.cards else True
    await until_delivered(office)
    assert len(await records(fabu)) == 1


@each_chat
async def test_what_others_have_done_leaves_in_silence(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="bob"))
    digest = await bob.card_with("Done")
    await execute(fabu, "notes", "alice")
    if chat.cards:
        await bob.until(lambda: bob.shows(digest, "1 thing waits for you") and not bob.shows(digest, "1 Notes"))
    await pass_time(office)
    if not chat.cards:
        await bob.hears("1 thing waits for you: #1 Mail")
    await until_delivered(office)
    await fabu.api("POST", "/plans/1/cancel", {"reason": "not today"})
    if chat.cards:
        await bob.until(lambda: bob.shows(digest, "Nothing waits for you.") and not bob.offers(digest, "Done"))
    else:
        bob.simulator.clock.advance(PAUSE.total_seconds())
        await bob.hears("Nothing waits for you.")
    assert len(bob.cards) == 1


@each_card
async def test_a_replan_empties_it_and_the_next_revision_is_new(office: Office[Any, Any]) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"))
    digest = await bob.card_with("Done")
    await fabu.api("POST", "/plans/1/replan", {"reason": "wrong"})
    await bob.until(lambda: bob.shows(digest, "Nothing waits for you."))
    await pass_time(office)
    await fabu.api("POST", "/plans/1/submit", {})
    await bob.until(lambda: len(bob.cards) == 2)
    assert "“Notes” is done. #1 is now: successful." in await bob.clicks("Done", on=bob.cards[-1])


@each_chat
async def test_a_failure_has_a_card_of_its_own_and_comes_first(office: Office[Any, Any], chat: Chat) -> None:
    fabu, alice, bob = office.fabu, office.alice, office.bob
    await fabu.submitted(step("notes", assignee="bob"), FAILING)
    digest = await bob.card_with("Done")
    assert bob.read(digest).index("Notes") < bob.read(digest).index("Deploy"), "a person is waited for"
    await execute(fabu, "deploy", "bob")
    await alice.card_with("Retry")
    notice = await bob.until(lambda: next((c for c in bob.cards[1:] if bob.shows(c, "2 Deploy", "failed")), None))
    assert "“Deploy” is running" in await bob.clicks("Retry", on=notice, item="Deploy")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "done")
    await until_delivered(office)
    assert len(bob.cards) == 2, "the digest has not moved"


@each_card
async def test_a_digest_shows_failures_first(office: Office[Any, Any]) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"), script("deploy", "exit 3", assignee="bob"))
    digest = await bob.card_with("Done")
    await execute(fabu, "deploy", "bob")
    await bob.until(lambda: bob.shows(digest, "#1 · 2 Deploy", "exit code 3", "2 things wait for you"))
    assert bob.read(digest).index("❌ #1 · 2 Deploy") < bob.read(digest).index("✋ #1 · 1 Notes")
    assert bob.offers(digest, "Handle")


@each_card
async def test_a_row_that_is_not_true_any_more_is_refused_and_redrawn(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="bob"))
    digest = await bob.card_with("Done")
    await until_delivered(office)
    with bob.simulator.outage(UPDATING[chat.vendor.name]):
        await execute(fabu, "notes", "alice")
        assert "“Notes” is done" in await bob.clicks("Done", on=digest, item="Notes", text="Written")
        assert (await fabu.item("notes"))["executed_by"] == "alice"
    await bob.until(lambda: bob.shows(digest, "1 thing waits for you") and not bob.shows(digest, "1 Notes"))
    await until_delivered(office)
    with bob.simulator.outage(UPDATING[chat.vendor.name]):
        await fabu.api("POST", "/plans/1/replan", {"reason": "wrong"})
        answer = await bob.clicks("Done", on=digest, item="Mail", text="Sent")
        assert answer.startswith("This card is out of date.")
    await bob.until(lambda: bob.shows(digest, "Nothing waits for you."))
    assert bob.cards == [digest]


@each_chat
async def test_a_double_click_does_a_thing_once(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="alice"))
    digest = await bob.card_with("Done")
    seen = [deepcopy(digest) for _ in range(2)]
    first, second = [await bob.clicks("Done", on=shown, item="Notes") for shown in seen]
    assert "“Notes” is done. #1 is now: executing." in first
    assert "“Notes” is done" in second
    assert (await fabu.events()).count("item_done") == 1


@each_chat
async def test_a_restart_goes_on_with_the_same_message(tmp_path: Path, chat: Chat) -> None:
    async with chat.vendor.simulator() as simulator:
        settings: Settings = chat.vendor.settings(tmp_path, simulator, **chat.own)
        async with opened(settings) as fabu:
            office = await chat.vendor.connect(simulator, fabu)
            await fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="bob"))
            digest = await office.bob.card_with("Done")
            await until_delivered(office)
        async with opened(settings) as fabu:
            office = await chat.vendor.connect(simulator, fabu)
            await execute(fabu, "notes", "alice")
            if chat.cards:
                await office.bob.until(lambda: office.bob.shows(digest, "1 thing waits for you"))
            assert len(office.bob.cards) == 1


@each_card
async def test_what_was_sent_before_a_crash_is_not_sent_again(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(step("notes", assignee="bob"))
    await bob.card_with("Done")
    await until_delivered(office)
    [record] = await records(fabu)
    intent = DigestRecord(record.id, "bob", record.platform)
    await fabu.services.store.write(lambda writing: writing.digests.put(intent))
    await fabu.submitted(step("fix", assignee="bob"), name="Hotfix")
    await bob.until(lambda: bob.shows(bob.cards[-1], "2 things wait for you"))
    await until_delivered(office)
    assert len(bob.cards) == (1 if chat.vendor.keyed else 2)
    assert len(await records(fabu)) == 1


@each_card
async def test_a_digest_whose_change_is_refused_is_posted_anew(office: Office[Any, Any], chat: Chat) -> None:
    fabu, bob, name = office.fabu, office.bob, chat.vendor.name
    await fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="bob"))
    await bob.card_with("Done")
    await until_delivered(office)
    with bob.simulator.outage(UPDATING[name], how="answer", **REFUSALS[name]):
        await execute(fabu, "notes", "alice")
        await bob.until(lambda: len(bob.cards) == 2)
        assert bob.shows(bob.cards[-1], "1 thing waits for you")
    await until_delivered(office)
    assert len(await records(fabu)) == 1


@each_card
async def test_who_leaves_the_settings_has_no_digest(tmp_path: Path, chat: Chat) -> None:
    async with chat.vendor.simulator() as simulator:
        written = chat.vendor.written(tmp_path, simulator, **chat.own)
        async with opened(Settings.model_validate(written)) as fabu:
            office = await chat.vendor.connect(simulator, fabu)
            await fabu.submitted(step("notes", assignee="bob"))
            digest = await office.bob.card_with("Done")
            await until_delivered(office)
        written["people"] = [person for person in written["people"] if person["id"] != "bob"]
        async with opened(Settings.model_validate(written)) as fabu:
            office = await chat.vendor.connect(simulator, fabu)
            await office.bob.until(lambda: office.bob.shows(digest, "Nothing waits for you."))
            assert not office.bob.offers(digest, "Done")
            await eventually(records, fabu, wanted=lambda found: not found)


@each_chat
async def test_a_digest_is_in_the_language_and_the_zone_of_its_reader(tmp_path: Path, chat: Chat) -> None:
    async with chat.vendor.simulator() as simulator:
        written = chat.vendor.written(tmp_path, simulator, **chat.own)
        bob = next(person for person in written["people"] if person["id"] == "bob")
        bob |= {"language": "zh_CN", "timezone": "Asia/Shanghai"}
        async with opened(Settings.model_validate(written)) as fabu:
            office = await chat.vendor.connect(simulator, fabu)
            await fabu.submitted(step("notes", assignee="bob"))
            window = {"start": "2099-01-31T20:00:00Z", "end": "2099-01-31T22:00:00Z"}
            await fabu.submitted(step("later", assignee="bob"), window=window, name="Later")
            await fabu.submitted(step("more", assignee="bob"), name="More")
            await until_delivered(office)
            words = ("件事等你", "#1 · 1 Notes", "等你处理")
            digest = await office.bob.until(
                lambda: next((c for c in office.bob.cards if office.bob.shows(c, *words)), None)
            )
            if chat.cards:
                assert office.bob.shows(digest, "2 件事等你", "之后 1", "2099-02-01 04:00 Asia/Shanghai")


@each_chat
async def test_one_command_that_makes_many_things_ready_sends_one_message(office: Office[Any, Any]) -> None:
    bob = office.bob
    await office.fabu.submitted(
        step("gate", assignee="alice"), *(step(f"s{number}", assignee="bob", needs=["gate"]) for number in range(20))
    )
    await until_delivered(office)
    assert bob.cards == []
    await asyncio.gather(execute(office.fabu, "gate", "alice"), execute_all_of(office))
    await bob.until(lambda: bob.cards and bob.shows(bob.cards[0], "20 things wait for you"))
    assert len(bob.cards) == 1


async def execute_all_of(office: Office[Any, Any]) -> None:
    """Start another plan at the same time."""
    await office.fabu.submitted(step("other", assignee="carol"))


async def test_feishu_asks_for_the_remark_of_a_further_row_in_a_card_of_its_own(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path, mode="http") as office:
        bob = office.bob
        await office.fabu.submitted(step("notes", assignee="bob"), step("mail", assignee="bob"))
        digest = await bob.card_with("Done")
        first, second = [button for button in buttons(digest.content) if button.text == "Done"]
        assert (bool(first.form), bool(second.form)) == (True, False)
        await office.platform.click_raw(bob.id, digest, {"value": second.value, "tag": "button", "name": second.name})
        messages = office.feishu.messages
        asked = await bob.until(lambda: next((c for c in messages.values() if "Done: Mail" in str(c.content)), None))
        assert "“Mail” is done" in await bob.clicks("Done", on=asked, text="Sent")
        assert (await office.fabu.item("mail"))["remark"] == "Sent"
