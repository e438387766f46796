"""Links on people's cards: each signs one person in, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.people.card_links import LIFE, CardLinks
from bot.people.tokens import Tokens, new_token
from bot.scheduler import KEPT
from core.card import Button, Card, Row, Section
from core.ports.people import Token
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


async def use(tokens: Tokens, secret: str, session: Token) -> bool:
    link = await tokens.find_link(secret)
    return link is not None and await tokens.use_link(link, session)


async def test_a_link_works_once_however_long_its_use_is_kept(links: CardLinks, clock: ManualClock) -> None:
    store = open_store("memory://", b"key", clock)
    secret = secret_of(links.sign(CARD, "bob", "card1"))
    tokens = [Tokens(store, clock, links.read) for _ in range(2)]
    sessions = [new_token("bob", "console", clock, SystemIds())[1] for _ in range(3)]
    used = await asyncio.gather(*(use(each, secret, session) for each, session in zip(tokens, sessions, strict=False)))
    assert sorted(used) == [False, True]
    await store.write(lambda writing: writing.people.forget_links(clock.now() - KEPT))
    assert not await use(Tokens(store, clock, links.read), secret, sessions[2])
    assert LIFE <= KEPT, "a use is remembered for longer than the link is good"
    clock.advance(LIFE)
    assert await Tokens(store, clock, links.read).find_link(secret) is None


async def test_a_link_stays_good_when_its_session_cannot_be_stored(links: CardLinks, clock: ManualClock) -> None:
    store = open_store("memory://", b"key", clock)
    secret, tokens = secret_of(links.sign(CARD, "bob", "card1")), Tokens(store, clock, links.read)
    _, session = new_token("bob", "console", clock, SystemIds())
    await store.write(lambda writing: writing.people.add_token(session))
    assert not await use(tokens, secret, session)
    assert await tokens.find_link(secret) is not None
