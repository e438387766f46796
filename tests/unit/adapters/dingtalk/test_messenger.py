from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from adapters.common.system import SystemClock
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.words import Words
from core.card import State, Tone
from core.errors import DeliveryError
from core.ports.messenger import Messenger, Place, Posted
from tests.adapters import changed
from tests.simulators.dingtalk import DingTalkSimulator

from .cards import APPROVE, item, plan_card

GROUP, BOB = Place(channel="cid1"), Place(user="bob")
CARD = plan_card(item(1, "execute"), buttons=(APPROVE,))
WORDS = Words(commands={"approve": "批准", "execute": "执行"})


@pytest.fixture
def messenger(client: DingTalkClient) -> DingTalkMessenger:
    return DingTalkMessenger(client, WORDS)


@pytest.fixture
def plain(settings: DingTalkSettings, session: aiohttp.ClientSession) -> DingTalkMessenger:
    """A messenger of an installation without a card template."""
    return DingTalkMessenger(DingTalkClient(changed(settings, card_template_id=""), session, SystemClock()), WORDS)


async def test_cards_in_a_group_and_to_a_user(ding: DingTalkSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(GROUP, CARD, "key-1")
    assert posted == Posted("group:cid1", "key-1")
    assert await messenger.post(BOB, CARD, "key-2") == Posted("user:bob", "key-2")
    assert await messenger.post(GROUP, CARD, "key-1") == posted
    (card,) = ding.cards("cid1")
    assert (card.out_track_id, card.params["title"]) == ("key-1", "#12 支付服务")
    assert [card.params["show_approve"] for card in ding.cards("bob")] == ["true"]


async def test_an_update(ding: DingTalkSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(GROUP, CARD, "key-1")
    assert await messenger.update(posted, replace(CARD, state=State(Tone.GOOD, "✅", "成功"), buttons=()))
    (card,) = ding.cards("cid1")
    assert [card.params[name] for name in ("status", "status_color", "show_approve")] == ["成功", "green", "false"]


async def test_updates_of_one_card_wait_for_one_another(ding: DingTalkSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(GROUP, CARD, "key-1")
    ding.fail("card.update", how="hang")
    updates = [
        asyncio.create_task(messenger.update(posted, replace(CARD, state=State(word=word))))
        for word in ("first", "second")
    ]
    first, second = await asyncio.gather(*updates, return_exceptions=True)
    assert isinstance(first, DeliveryError)  # it timed out, and only then the second was sent
    assert second is True
    sent = [call.arguments["cardData"]["cardParamMap"]["status"] for call in ding.calls_to("card.update")]
    assert sent == ["first", "second"]


async def test_a_card_that_does_not_arrive_is_an_error(ding: DingTalkSimulator, messenger: Messenger) -> None:
    ding.undeliverable["cid1"] = "the robot is not in the group"
    with pytest.raises(DeliveryError, match="the robot is not in the group"):
        await messenger.post(GROUP, CARD, "key-1")


async def test_an_expired_token_is_not_noticed(ding: DingTalkSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(GROUP, CARD, "key-1")
    ding.tokens.expire()
    assert await messenger.update(posted, CARD)
    ding.tokens.expire()
    assert await messenger.find_user("", "13800000001") == "alice"


async def test_without_a_template_a_message_tells_what_to_type(ding: DingTalkSimulator, plain: Messenger) -> None:
    await plain.post(BOB, CARD, "key-1")
    (message,) = ding.robot_messages("bob")
    assert message.msg_key == "sampleActionCard"
    assert (message.params["singleTitle"], message.params["singleURL"]) == ("打开", "https://fabu.example/plans/12")
    assert "`批准 12` `执行 12 1`" in message.text
    assert ding.cards("bob") == []


async def test_without_a_page_it_is_a_markdown_message(ding: DingTalkSimulator, plain: Messenger) -> None:
    await plain.post(GROUP, replace(CARD, more=None), "key-1")
    assert [message.msg_key for message in ding.robot_messages("cid1")] == ["sampleMarkdown"]


async def test_a_message_is_written_anew_only_for_another_status(ding: DingTalkSimulator, plain: Messenger) -> None:
    posted = await plain.post(GROUP, CARD, "key-1")
    assert await plain.update(posted, plan_card(item(1, mark="✅")))
    assert not await plain.update(posted, replace(CARD, state=State(Tone.GOOD, "✅", "成功")))
    assert len(ding.robot_messages("cid1")) == 1


async def test_texts(ding: DingTalkSimulator, messenger: Messenger) -> None:
    await messenger.say(Posted("group:cid1", "key-1"), "Bob: 批准 *所有*", "k1")
    await messenger.say(Posted("user:bob", "key-2"), "请审批", "k2")
    assert [message.text for message in ding.robot_messages("cid1")] == ["Bob: 批准 *所有*"]
    assert [message.text for message in ding.robot_messages("bob")] == ["请审批"]


async def test_a_user_who_gets_no_messages_is_an_error(messenger: Messenger) -> None:
    with pytest.raises(DeliveryError, match="user nobody does not get messages") as caught:
        await messenger.say(Posted("user:nobody", ""), "请审批", "k1")
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("phone", "user"), [("13800000001", "alice"), ("+86 138 0000 0001", "alice"), ("13900000000", ""), ("", "")]
)
async def test_people_are_found_by_mobile_number(messenger: Messenger, phone: str, user: str) -> None:
    assert await messenger.find_user("alice@example.com", phone) == user


async def test_what_is_known_of_a_member(ding: DingTalkSimulator, messenger: Messenger) -> None:
    ding.add_user("carol", "13800000003", "carol@corp.example")
    ding.add_user("dave", "13800000004", active=False)
    assert await messenger.contact("carol") == ("carol@corp.example", "13800000003")
    assert await messenger.contact("alice") == ("", "13800000001"), "an address of one's own choice proves nothing"
    assert await messenger.contact("dave") is None
    assert await messenger.contact("nobody") is None


async def test_closing_ends_the_session(messenger: DingTalkMessenger) -> None:
    await messenger.close()
    assert messenger.client.session.closed


async def test_a_group_gets_twenty_robot_messages_a_minute_and_a_person_does_not_wait_for_it(
    ding: DingTalkSimulator, plain: DingTalkMessenger
) -> None:
    for number in range(20):
        await plain.post(GROUP, CARD, f"key-{number}")
    await asyncio.sleep(1)  # the limit of the API is one of a second
    with pytest.raises(DeliveryError) as caught:
        await plain.post(GROUP, CARD, "key-20")
    assert (caught.value.limited, caught.value.sent) == (True, False)
    assert 1 < (caught.value.retry_after or 0) <= 60
    await plain.post(BOB, CARD, "key-21")
    assert (len(ding.robot_messages("cid1")), len(ding.robot_messages("bob"))) == (20, 1)


async def test_a_person_who_gets_too_much_is_left_alone_for_a_minute(
    ding: DingTalkSimulator, plain: DingTalkMessenger
) -> None:
    ding.fail("robot.users", status=200, body={"flowControlledStaffIdList": ["bob"]})
    for _ in range(2):
        with pytest.raises(DeliveryError) as caught:
            await plain.post(BOB, CARD, "key-1")
        assert caught.value.limited
        assert 58 < (caught.value.retry_after or 0) <= 60
    await plain.post(GROUP, CARD, "key-2")
    await plain.post(Place(user="alice"), CARD, "key-3")
    assert len(ding.calls_to("robot.users")) == 2
