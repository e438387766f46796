"""People, their chat accounts, tokens and posted cards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Conflict
from core.people import Group, Person
from core.ports.cards import CardRecord
from core.ports.people import Token
from core.ports.store import Store, Writing
from tests.worlds import START

ACCOUNTS = {"slack": "U1", "dingtalk": "u1", "a chat of tomorrow": "李"}
ALICE = Person("alice", "Alice 李", "a@example.com", "1", ACCOUNTS, "zh_CN", "Asia/Shanghai", admin=True)
BOB = Person("bob", "Bob", active=False, imported=True)
TOKEN = Token("t1", "digest", "alice", "laptop", START, START + timedelta(days=1))


async def test_people_and_groups_are_put_and_replaced(store: Store) -> None:
    sre = Group("sre", ("alice", "bob"))
    await store.write(lambda writing: writing.people.put([ALICE, BOB], [sre]))
    await store.write(
        lambda writing: writing.people.put([replace(BOB, active=True)], [Group("sre", (), imported=True)])
    )
    await store.write(lambda writing: writing.people.put([], []))
    directory = await store.read(lambda reading: reading.people.directory())
    assert directory.people == {"alice": ALICE, "bob": replace(BOB, active=True)}
    assert directory.accounts == dict.fromkeys(ACCOUNTS.items(), ALICE)
    assert directory.groups == {"sre": Group("sre", (), imported=True)}


async def test_a_chat_user_is_linked_to_one_person(store: Store) -> None:
    await store.write(lambda writing: writing.people.link("slack", "U1", "alice", START))
    await store.write(lambda writing: writing.people.link("slack", "U1", "bob", START + timedelta(hours=1)))
    assert await store.read(lambda reading: reading.people.identity("slack", "U1")) == (
        "bob",
        START + timedelta(hours=1),
    )
    assert await store.read(lambda reading: reading.people.identity("feishu", "U1")) is None
    await store.write(lambda writing: writing.people.unlink("slack", "U1"))
    assert await store.read(lambda reading: reading.people.identity("slack", "U1")) is None


async def test_a_token_is_valid_until_it_expires_or_is_revoked(store: Store) -> None:
    await store.write(lambda writing: writing.people.add_token(TOKEN))

    async def use(minutes: int, digest: str = "digest") -> Token | None:
        now = START + timedelta(minutes=minutes)
        return await store.write(lambda writing: writing.people.use_token(digest, now))

    assert await use(1) == replace(TOKEN, used_at=START + timedelta(minutes=1))
    assert await use(2) == replace(TOKEN, used_at=START + timedelta(minutes=2))
    assert await use(2, "other") is None
    assert await use(24 * 60) is None
    revoked_at = START + timedelta(minutes=3)
    assert await store.write(lambda writing: writing.people.revoke_token("t1", revoked_at))
    assert not await store.write(lambda writing: writing.people.revoke_token("t2", revoked_at))
    assert await use(4) is None
    (token,) = await store.read(lambda reading: reading.people.tokens())
    assert token == replace(TOKEN, used_at=START + timedelta(minutes=2), revoked_at=revoked_at)


async def test_a_single_use_token_is_valid_once(store: Store) -> None:
    once = replace(TOKEN, single_use=True, expires_at=None)
    await store.write(lambda writing: writing.people.add_token(once))
    used = [await store.write(lambda writing: writing.people.use_token("digest", START)) for _ in range(2)]
    assert used == [replace(once, used_at=START), None]


async def test_links_that_lead_nowhere_are_forgotten(store: Store) -> None:
    link = replace(TOKEN, single_use=True, expires_at=START + timedelta(days=1))
    kept = [
        replace(link, id="open", digest="open"),
        replace(TOKEN, id="session", digest="session", expires_at=START, used_at=START),
    ]
    over = [
        replace(link, id="used", digest="used", used_at=START),
        replace(link, id="late", digest="late", expires_at=START),
    ]

    def add(writing: Writing) -> None:
        for token in kept + over:
            writing.people.add_token(token)

    await store.write(add)
    for count in (2, 0):
        assert await store.write(lambda writing: writing.people.forget_links(START + timedelta(hours=1))) == count
    assert {token.id for token in await store.read(lambda reading: reading.people.tokens())} == {"open", "session"}


async def test_a_digest_belongs_to_one_token(store: Store) -> None:
    await store.write(lambda writing: writing.people.add_token(TOKEN))
    with pytest.raises(Conflict):
        await store.write(lambda writing: writing.people.add_token(replace(TOKEN, id="t2")))


async def test_tokens_are_listed_by_person(store: Store) -> None:
    others = replace(TOKEN, id="t0", digest="d0", person="bob", created_at=START + timedelta(hours=1))
    await store.write(lambda writing: writing.people.add_token(others))
    await store.write(lambda writing: writing.people.add_token(TOKEN))
    assert await store.read(lambda reading: reading.people.tokens()) == [TOKEN, others]
    assert await store.read(lambda reading: reading.people.tokens("bob")) == [others]


async def test_cards_are_put_replaced_and_dropped(store: Store) -> None:
    intent = CardRecord("c1", "p", "slack", "approval", "bob", revision=2, stage=1, item_id="i")
    posted = replace(intent, channel="D1", message="1.2", version=3, log_seq=4, posted_at=START)
    other = CardRecord("c2", "p", "feishu", "plan", "oc_1")
    await store.write(lambda writing: writing.cards.put([intent, other]))
    assert await store.read(lambda reading: reading.cards.of_plan("p", "slack")) == [intent]
    await store.write(lambda writing: writing.cards.put([posted]))
    assert await store.read(lambda reading: reading.cards.of_plan("p", "slack")) == [posted]
    await store.write(lambda writing: writing.cards.drop(["c1", "none"]))
    await store.write(lambda writing: writing.cards.drop([]))
    assert await store.read(lambda reading: reading.cards.of_plan("p", "slack")) == []
    assert await store.read(lambda reading: reading.cards.of_plan("p", "feishu")) == [other]
