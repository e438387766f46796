from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import FeishuError
from adapters.feishu.messenger import FeishuMessenger
from core.card import Card
from core.errors import DeliveryError
from core.ports.messenger import Messenger, Place, Posted
from tests.simulators.feishu import UPDATABLE, FeishuSimulator
from tests.simulators.feishu_cards import text_of


@pytest.fixture
def messenger(client: FeishuClient) -> Messenger:
    return FeishuMessenger(client, Cards())


def card(title: str = "#7 Release") -> Card:
    return Card(title, title)


async def test_a_card_is_posted_once_for_a_key(feishu: FeishuSimulator, messenger: Messenger) -> None:
    first = await messenger.post(Place(channel="oc_ops"), card(), "k" * 60)
    assert await messenger.post(Place(channel="oc_ops"), card(), "k" * 60) == first
    assert first.channel == "oc_ops"
    assert len(feishu.cards_in("oc_ops")) == 1


async def test_a_card_goes_to_a_person_and_words_below_it(feishu: FeishuSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(Place(user="ou_alice"), card(), "k1")
    await messenger.say(posted, 'done <at user_id="all"></at>', "k2")
    shown, said = feishu.messages_in("ou_alice")
    assert "#7 Release" in text_of(shown.content)
    assert said.parent_id == posted.message
    assert said.content["zh_cn"]["content"] == [[{"tag": "text", "text": 'done <at user_id="all"></at>'}]]


async def refused(call: Awaitable[object]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(("code", "is_of_receiver"), [(230020, True), (99991400, False), (11232, False)])
async def test_a_limit_pauses_what_feishu_limits(
    feishu: FeishuSimulator, messenger: Messenger, code: int, is_of_receiver: bool
) -> None:
    feishu.fail("im.message.create", status=400, body={"code": code, "msg": "busy"}, retry_after=30)
    error = await refused(messenger.post(Place(channel="oc_ops"), card(), "k1"))
    assert (error.limited, error.known, error.retry_after) == (True, True, 30)
    again = await refused(messenger.post(Place(channel="oc_ops"), card(), "k1"))
    assert (again.limited, again.sent) == (True, False)
    assert len(feishu.calls_to("im.message.create")) == 1
    if is_of_receiver:
        await messenger.post(Place(user="ou_alice"), card(), "k2")
    else:
        assert (await refused(messenger.post(Place(user="ou_alice"), card(), "k2"))).limited
        assert len(feishu.calls_to("im.message.create")) == 1


async def test_a_card_whose_updates_are_limited_is_left_alone(feishu: FeishuSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(Place(channel="oc_ops"), card(), "k1")
    other = await messenger.post(Place(channel="oc_ops"), card(), "k2")
    feishu.fail("im.message.patch", status=400, body={"code": 230020, "msg": "busy"}, retry_after=30)
    assert (await refused(messenger.update(posted, card("#8")))).retry_after == 30
    assert (await refused(messenger.update(posted, card("#8")))).limited
    assert await messenger.update(other, card("#8"))
    assert len(feishu.calls_to("im.message.patch")) == 2


async def test_updates_of_one_card_keep_their_order_and_feishus_pace(
    feishu: FeishuSimulator, messenger: Messenger
) -> None:
    posted = await messenger.post(Place(channel="oc_ops"), card(), "k")
    updates = [messenger.update(posted, card(f"#{number}")) for number in range(7)]
    assert await asyncio.gather(*updates) == [True] * 7
    message = feishu.messages[posted.message]
    shown = [text_of(content).split()[0] for content in [*message.history, message.content]]
    assert shown == ["#7", *(f"#{number}" for number in range(7))]


async def test_an_old_or_recalled_card_is_given_up(feishu: FeishuSimulator, messenger: Messenger) -> None:
    old = await messenger.post(Place(channel="oc_ops"), card(), "k1")
    feishu.clock.advance(UPDATABLE + 1)
    new = await messenger.post(Place(channel="oc_ops"), card(), "k2")
    feishu.messages[new.message].recalled = True
    assert not await messenger.update(old, card())
    assert not await messenger.update(new, card())


async def test_other_refusals_are_raised(messenger: Messenger) -> None:
    with pytest.raises(FeishuError, match="invalid message_id"):
        await messenger.update(Posted("oc_ops", "om_unknown"), card())


async def test_an_error_code_in_an_http_200_is_an_error(feishu: FeishuSimulator, messenger: Messenger) -> None:
    feishu.fail("im.message.create", status=200, body={"code": 230002, "msg": "the bot is not in the chat"})
    with pytest.raises(FeishuError, match="not in the chat"):
        await messenger.post(Place(channel="oc_ops"), card(), "k")


async def test_an_expired_token_is_renewed(feishu: FeishuSimulator, messenger: Messenger) -> None:
    posted = await messenger.post(Place(channel="oc_ops"), card(), "k")
    feishu.tokens.revoke()
    assert await messenger.update(posted, card("new"))


@pytest.mark.parametrize(
    ("email", "phone", "user"),
    [
        ("bob@example.com", "", "ou_bob"),
        ("", "+8613800000001", "ou_alice"),
        ("nobody@example.com", "+8613800000001", "ou_alice"),
        ("nobody@example.com", "", ""),
        ("", "", ""),
    ],
)
async def test_people_are_found(messenger: Messenger, email: str, phone: str, user: str) -> None:
    assert await messenger.find_user(email, phone) == user


async def test_the_contact_of_who_has_left_is_not_told(feishu: FeishuSimulator, messenger: Messenger) -> None:
    assert await messenger.contact("ou_bob") == ("bob@example.com", "+8613800000002")
    feishu.resigned.add("ou_bob")
    assert await messenger.contact("ou_bob") is None
    assert await messenger.find_user("bob@example.com", "") == ""
    assert await messenger.contact("ou_stranger") is None


async def test_a_refused_lookup_is_not_taken_for_nobody(feishu: FeishuSimulator, messenger: Messenger) -> None:
    feishu.fail("contact.user.get", status=400, body={"code": 99991672, "msg": "Access denied"})
    with pytest.raises(FeishuError, match="Access denied"):
        await messenger.contact("ou_bob")
