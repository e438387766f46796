"""What every `Messenger` does alike: cards, texts below them, people, and how it says that a vendor did not take it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from core.card import Button, Card, Excerpt, ExcerptKind, Notice, Row, Section, State, Weight, line
from core.errors import DeliveryError
from core.ports.messenger import Place
from tests.contract.chat.conftest import Subject
from tests.waiting import eventually


def card(title: str = "#7 Payments") -> Card:
    return Card(title, f"{title}: executing", State(word="executing"))


async def refused(call: Awaitable[Any]) -> DeliveryError:
    """Await a call that the vendor does not take, and return the error."""
    with pytest.raises(DeliveryError) as caught:
        await call
    return caught.value


CALLS: dict[str, Callable[[Subject], Awaitable[Any]]] = {
    "post": lambda chat: chat.messenger.post(chat.channel, card(), "k1"),
    "post to a person": lambda chat: chat.messenger.post(chat.bob, card(), "k1"),
    "find_user": lambda chat: chat.messenger.find_user("carol@example.com", "13800000003"),
    "contact": lambda chat: chat.messenger.contact(chat.bob.user),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def test_a_card_goes_to_a_channel_or_to_a_person_alone(chat: Subject) -> None:
    await chat.messenger.post(chat.channel, card(), "k1")
    await chat.messenger.post(chat.bob, card("#8 Orders"), "k2")
    assert [("#7 Payments" in text, "executing" in text) for text in chat.seen(chat.channel)] == [(True, True)]
    assert ["#8 Orders" in text for text in chat.seen(chat.bob)] == [True]


async def test_a_card_is_posted_once_for_a_key_where_the_vendor_can_tell(chat: Subject) -> None:
    first, again = [await chat.messenger.post(chat.channel, card(), "k1") for _ in range(2)]
    assert (first == again) is chat.vendor.keyed
    assert len(chat.seen(chat.channel)) == (1 if chat.vendor.keyed else 2)
    other = await chat.messenger.post(chat.channel, card(), "k2")
    assert other not in (first, again)


async def test_a_card_shows_its_newest_state(chat: Subject) -> None:
    posted = await chat.messenger.post(chat.channel, card(), "k1")
    assert await chat.messenger.update(posted, card("#7 Payments 2.5"))
    [text] = chat.seen(chat.channel)
    assert "#7 Payments 2.5" in text


async def test_updates_of_one_card_keep_their_order(chat: Subject) -> None:
    posted = await chat.messenger.post(chat.bob, card(), "k1")
    updates = (chat.messenger.update(posted, card(f"state {number}")) for number in range(4))
    assert await asyncio.gather(*updates) == [True] * 4
    [text] = chat.seen(chat.bob)
    assert "state 3" in text


async def test_what_is_too_large_for_the_vendor_is_cut_before_it_is_sent(chat: Subject) -> None:
    much = "发布 <b>&amp; *all* @everyone |" * 100
    state, body = State(mark="✅", word=much), (line(much), Excerpt(ExcerptKind.CODE, (much,) * 20, much, "sql"))
    rows = tuple(
        Row(f"{number} {much}", weight, state, line(much), body, url="https://fabu.example.com")
        for number in range(100)
        for weight in (Weight.RISKY, Weight.DONE)
    )
    buttons = tuple(Button("approve", much, f"ref{number}") for number in range(60))
    large = replace(
        card(), summary=much, state=state, ask=(line(much),) * 2, notices=(Notice(line(much)),) * 4,
        sections=(Section(much, rows),) * 3, buttons=buttons, foot=(line(much),) * 3,
        more=Button("open", "Open", url="https://fabu.example.com"),
    )  # fmt: skip
    posted = await chat.messenger.post(chat.channel, large, "k1")
    assert await chat.messenger.update(posted, replace(large, title=f"#8 {much}"))
    await chat.messenger.say(posted, much, "t1")
    assert "#8 发布" in chat.seen(chat.channel)[0]


async def test_a_card_that_vanished_does_not_change(chat: Subject) -> None:
    posted = await chat.messenger.post(chat.channel, card(), "k1")
    chat.vendor.remove(chat.simulator, posted)
    assert await chat.messenger.update(posted, card("#7 Payments 2.5")) is False
    chat.expect_refusals()


async def test_texts_are_written_where_the_card_is(chat: Subject) -> None:
    for place in (chat.channel, chat.bob):
        posted = await chat.messenger.post(place, card(), f"k{place.user}")
        await chat.messenger.say(posted, "Bob: approved in stage QA", f"t{place.user}")
        below = chat.seen(place)[1:]
        assert below == ["Bob: approved in stage QA"]


async def test_people_are_found_by_what_the_vendor_confirms(chat: Subject) -> None:
    asked = {name: known for name, known in chat.vendor.people.items() if "email" in known or "phone" in known}
    assert asked
    for name, known in asked.items():
        account = await chat.messenger.find_user(known.get("email", ""), known.get("phone", ""))
        assert account == chat.vendor.account(name)
        contact = await chat.messenger.contact(account)
        assert contact is not None
        email, phone = contact
        assert known.get("email", "") in email
        assert known.get("phone", "") in phone


async def test_nobody_is_found_by_what_belongs_to_nobody(chat: Subject) -> None:
    assert await chat.messenger.find_user("", "") == ""
    assert await chat.messenger.find_user("nobody@example.com", "13999999999") == ""
    assert await chat.messenger.contact("nobody") is None
    chat.expect_refusals()


@each_call
@pytest.mark.parametrize("status", [429, 503])
async def test_trouble_that_may_pass_can_be_retried(
    chat: Subject, call: Callable[[Subject], Awaitable[Any]], status: int
) -> None:
    with chat.simulator.outage(how="answer", status=status):
        error = await refused(call(chat))
    assert (error.retryable, error.limited) == (True, status == 429)
    if error.limited:
        await asyncio.sleep(error.retry_after or 0)
    await call(chat)


async def test_a_vendor_that_is_busy_is_left_alone_for_as_long_as_it_asks(chat: Subject) -> None:
    with chat.simulator.outage(how="answer", status=429):
        pause = (await refused(chat.messenger.post(chat.channel, card(), "k1"))).retry_after
        calls = len(chat.simulator.calls)
        again = await refused(chat.messenger.post(chat.channel, card(), "k1"))
    assert pause
    assert (again.limited, again.sent) == (True, False)
    assert 0 < (again.retry_after or 0) <= pause
    assert len(chat.simulator.calls) == calls


async def test_an_update_that_was_not_taken_can_be_retried(chat: Subject) -> None:
    posted = await chat.messenger.post(chat.channel, card(), "k1")
    with chat.simulator.outage(how="answer", status=503):
        assert (await refused(chat.messenger.update(posted, card("#7 Payments 2.5")))).retryable
        assert (await refused(chat.messenger.say(posted, "approved", "t1"))).retryable
    assert await chat.messenger.update(posted, card("#7 Payments 2.5"))


async def test_a_channel_that_is_not_there_is_not_tried_again(chat: Subject) -> None:
    error = await refused(chat.messenger.post(Place(channel="nowhere"), card(), "k1"))
    assert not error.retryable
    chat.expect_refusals()


async def test_a_lost_answer_leaves_open_whether_the_card_was_posted(chat: Subject) -> None:
    chat.simulator.fail(chat.vendor.posting, how="close", applied=True)
    error = await refused(chat.messenger.post(chat.channel, card(), "k1"))
    assert (error.retryable, error.sent) == (True, True)
    await chat.messenger.post(chat.channel, card(), "k1")
    assert len(chat.seen(chat.channel)) == (1 if chat.vendor.keyed else 2)


@each_call
async def test_a_vendor_that_is_away_got_nothing(chat: Subject, call: Callable[[Subject], Awaitable[Any]]) -> None:
    await call(chat)  # there is a token, so that it is this call that does not arrive
    await chat.simulator.stop()
    error = await eventually(lambda: refused(call(chat)), wanted=lambda error: not error.sent)  # sees what is closed
    assert error.retryable


@each_call
async def test_an_error_names_no_secret(chat: Subject, call: Callable[[Subject], Awaitable[Any]]) -> None:
    section: BaseModel = getattr(chat.settings, chat.vendor.name)
    secrets = [value.get_secret_value() for _, value in section if isinstance(value, SecretStr)]
    assert secrets
    with chat.simulator.outage(how="answer", status=401):
        error = await refused(call(chat))
    assert [secret for secret in secrets if secret and secret in str(error)] == []


async def test_closing_twice_is_closing_once(chat: Subject) -> None:
    await chat.messenger.post(chat.channel, card(), "k1")
    await chat.messenger.close()
    await chat.messenger.close()
