"""Links on people's cards: each signs one person in, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.store.open import open_store
from bot.people.card_links import LIFE, CardLinks
from bot.people.tokens import Tokens
from bot.scheduler import KEPT
from core.card import Button, Card, Row, Section
from tests.clock import ManualClock
from tests.worlds import START

URL = "https://fabu.example.com"
CARD = Card(
    "#7 Shop", "#7 Shop", buttons=(Button("approve", "Approve", "r"), Button("open", "Docs", url="https://example.com/plans/7")),
    sections=(Section("", (Row("#8", url=f"{URL}/plans/8"), Row("run", url=f"{URL}/runs/1"))),),
    more=Button("open", "Open", url=f"{URL}/plans/7"), review=Button("open", "Review", url=f"{URL}/plans/7"),
)  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def links(clock: ManualClock) -> CardLinks:
    return CardLinks(b"key", clock, URL)


def secret_of(card: Card) -> str:
    assert card.more
    return card.more.url.removeprefix(f"{URL}/sign-in/").partition("?")[0]


def test_links_to_pages_of_fabu_sign_in_and_no_others(links: CardLinks) -> None:
    signed = links.sign(CARD, "bob", "card1")
    assert signed.more
    assert signed.review
    secret = secret_of(signed)
    assert (signed.more.url, signed.review.url) == (f"{URL}/sign-in/{secret}?plan=7",) * 2
    assert [row.url for row in signed.rows] == [f"{URL}/sign-in/{secret}?plan=8", f"{URL}/runs/1"]
    assert [button.url for button in signed.buttons] == ["", "https://example.com/plans/7"]
    token = links.read(secret)
    assert token
    assert (token.person, token.single_use, token.used_at) == ("bob", True, None)


def test_a_card_keeps_its_link_for_a_day(links: CardLinks, clock: ManualClock) -> None:
    first = secret_of(links.sign(CARD, "bob", "card1"))
    clock.advance(timedelta(hours=1))
    assert secret_of(links.sign(CARD, "bob", "card1")) == first
    assert len({first, secret_of(links.sign(CARD, "bob", "card2")), secret_of(links.sign(CARD, "carol", "card1"))}) == 3
    clock.advance(timedelta(days=1))
    assert secret_of(links.sign(CARD, "bob", "card1")) != first


@pytest.mark.parametrize("forged", ["", "x", "a.b", "e30.", ".", "W10" + "." + "A" * 43])
def test_what_others_make_is_no_link(links: CardLinks, forged: str) -> None:
    assert links.read(forged) is None
    secret = secret_of(links.sign(CARD, "bob", "card1"))
    payload, _, mac = secret.partition(".")
    assert links.read(f"{payload}A.{mac}") is None
    assert CardLinks(b"other", ManualClock(START), URL).read(secret) is None


async def test_a_link_works_once_however_long_its_use_is_kept(links: CardLinks, clock: ManualClock) -> None:
    store = open_store("memory://", b"key", clock)
    secret = secret_of(links.sign(CARD, "bob", "card1"))
    tokens = [Tokens(store, clock, links.read) for _ in range(2)]
    used = await asyncio.gather(*(each.use_link(secret) for each in tokens))
    assert [link.person for link in used if link] == ["bob"]
    await store.write(lambda writing: writing.people.forget_links(clock.now() - KEPT))
    assert await Tokens(store, clock, links.read).use_link(secret) is None
    assert LIFE <= KEPT, "a use is remembered for longer than the link is good"
    clock.advance(LIFE)
    assert await Tokens(store, clock, links.read).find_link(secret) is None
