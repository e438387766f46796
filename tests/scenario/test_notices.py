"""What the manager of a plan is notified of, in each chat, and the next step from there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.clock import SharedClock
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.hooked import endpoint
from tests.scenario.office import script, step
from tests.simulators.receiver import Receiver

ONE_WAY_EACH = ("slack-http", "feishu-http", "dingtalk-http", "dingtalk-text-http")
FAILING = script("deploy", 'test "$FABU_ATTEMPT" -gt 2')


@pytest.fixture(params=ONE_WAY_EACH)
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat, and DingTalk also without cards."""
    return CHATS[request.param]


@pytest.fixture
async def office(tmp_path: Path, chat: Chat) -> AsyncIterator[Office[Any, Any]]:
    async with chat.office(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def checked(tmp_path: Path, chat: Chat) -> AsyncIterator[tuple[Office[Any, Any], Callable[..., Any]]]:
    """Run an office whose plans wait for an external system; yield it with what that system answers."""
    async with Receiver() as receiver:
        hooks = {"endpoints": [endpoint("ci", receiver)], "allow_internal": ["127.0.0.0/8"]}
        async with chat.office(tmp_path, others={"hooks": hooks}) as office:

            async def answer(number: int, result: str, **fields: Any) -> None:
                hook = (await receiver.until(lambda: receiver.hooks[number - 1 :]))[0]
                async with ClientSession() as session:
                    status, _ = await receiver.call_back(session, office.fabu.url, hook, result, **fields)
                assert status == 200

            yield office, answer


def notices(office: Office[Any, Any]) -> list[Any]:
    """Return the cards to the manager that answer nothing that she wrote, oldest first."""
    mine = office.alice.cards
    return [card for card in office.lasting_cards if card in mine]


async def test_a_rejection_is_notified_with_a_way_on(office: Office[Any, Any], chat: Chat) -> None:
    await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob")])
    await office.bob.clicks("Reject", text="No rollback plan")
    notice = await office.alice.card_with("Replan")
    assert office.alice.shows(notice, "rejected", "Rejected: No rollback plan.")
    assert "#1 is now: planning." in await office.alice.clicks("Replan", on=notice)
    if chat.cards:
        await office.alice.until(lambda: not office.alice.offers(notice, "Replan"))
    await office.alice.says("submit 1")
    await office.bob.clicks("Reject", on=await office.bob.card_with("Reject"), text="Still none")
    await office.alice.until(lambda: len(notices(office)) == 2)
    assert office.alice.shows(notices(office)[-1], "Rejected: Still none.")


async def test_every_failure_of_a_run_is_notified(office: Office[Any, Any], chat: Chat) -> None:
    alice = office.alice
    await office.fabu.submitted(FAILING)
    await alice.says("execute 1 deploy")
    notice = await alice.card_with("Retry")
    assert alice.shows(notice, "1 Deploy", "failed")
    await alice.clicks("Retry", on=notice)
    if not chat.cards:  # a message cannot be changed: another one tells the second failure
        await alice.until(lambda: alice.shows(notices(office)[-1], "failed", "attempt 2"))
    elif chat.vendor.name == "dingtalk":
        await alice.hears("#1 Payments 2.4\nSystem: “Deploy”: failed")
    else:
        await alice.until(lambda: alice.shows(notice, "failed", "attempt 2") and alice.offers(notice, "Retry"))
    await alice.says("retry 1 deploy")
    await office.fabu.until_status("success")
    await alice.until(lambda: alice.shows(notices(office)[-1], "successful"))  # the run ended by itself
    assert len(notices(office)) == (2 if chat.cards else 3)
    assert notices(office)[0] == notice


async def test_an_assignee_who_is_the_manager_gets_one_notice_of_a_failure(office: Office[Any, Any]) -> None:
    await office.fabu.submitted(FAILING | {"assignee": "alice"})
    await office.alice.card_with("Run")
    await office.alice.says("execute 1 deploy")
    await office.channel_card("executing")
    await office.alice.until(lambda: office.thread()[-1:] == ["System: “Deploy”: failed — all/go: exit code 1"])
    await office.fabu.api("POST", "/plans/1/cancel", {})
    await office.channel_card("cancelled")
    digest, notice = await office.alice.until(lambda: notices(office) if len(notices(office)) == 2 else None)
    assert office.alice.shows(notice, "1 Deploy")
    assert not office.alice.shows(digest, "Manager")


async def test_an_approval_is_notified(office: Office[Any, Any], chat: Chat) -> None:
    await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob")])
    await office.bob.clicks("Approve")
    [notice] = await office.alice.until(lambda: notices(office))
    assert office.alice.shows(notice, "executing", "👍 Bob")
    await office.alice.says("execute 1 notes")
    await office.fabu.until_status("success")
    await office.channel_card("successful")
    assert len(notices(office)) == 1, "the end is her own doing, and the reply says it"


@pytest.mark.parametrize("verb", ["cancel", "execute"])
async def test_an_end_that_somebody_else_brings_is_notified(office: Office[Any, Any], verb: str) -> None:
    await office.fabu.submitted()
    await office.dave.says(f"{verb} 1 notes")
    [notice] = await office.alice.until(lambda: notices(office))
    assert office.alice.shows(notice, "cancelled" if verb == "cancel" else "successful")


async def test_an_approval_that_expires_is_notified(tmp_path: Path, chat: Chat) -> None:
    async with chat.office(tmp_path, clock=SharedClock) as office:
        await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob")], approval={"expires_in": "1h"})
        await office.bob.card_with("Approve")
        office.alice.simulator.clock.advance(3601)
        notice = await office.alice.card_with("Replan")
        assert office.alice.shows(notice, "timed out", "Replan to go on.")
        assert "planning" in await office.alice.clicks("Replan", on=notice)


async def test_the_end_of_a_check_is_notified(tmp_path: Path, chat: Chat) -> None:
    async with checked(tmp_path, chat) as (office, answer):
        alice = office.alice
        await office.fabu.draft(step("notes"))
        await office.fabu.api("POST", "/plans/1/finish", {})
        await answer(1, "failed", failed_reason="frozen until Monday")
        notice = await alice.card_with("Check again")
        assert alice.shows(notice, "The external check failed: frozen until Monday.")
        await alice.clicks("Check again", on=notice)
        await answer(2, "success")
        notice = await alice.card_with("Submit")
        assert alice.shows(notice, "The external check passed: planning finished")
        await alice.clicks("Submit", on=notice)
        await answer(3, "success")
        await alice.sees("executing", "The external check passed: execution starts")
        await alice.says("execute 1 notes")
        await answer(4, "success")
        await alice.sees("successful", "The external check passed: all items done")
        assert len(notices(office)) == 4
