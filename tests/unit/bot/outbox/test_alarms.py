"""Alarms: once to each person whom they concern, in a chat that works, and not when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store.memory import MemoryStore
from bot.i18n import Locale
from bot.outbox import worker as workers
from bot.outbox.alarms import Alarms, plan_to_deliver
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core import commands as c
from core.card import Card
from core.context import Environment
from core.effects import Alarm, Destination, DestinationKind, Effect, Payload, RunCancel, Sync, Undelivered
from core.engine import Engine
from core.errors import DeliveryError
from core.messages import Message
from core.people import Directory
from core.plan import Plan
from core.ports.messenger import Messenger, Place, Posted
from core.ports.outbox import Attempt, Delivery, DeliveryState, Settled
from tests.clock import ManualClock
from tests.contract.store.offices import AUDIT_KEY, POLICY, Office
from tests.unit.bot.outbox.failing import Desk
from tests.waiting import eventually
from tests.worlds import PEOPLE, SLACK, START

ADMINS = Destination(DestinationKind.ADMINS)
ENDPOINT = Alarm("ci", Message("it answered 410 (Gone)"))
REFUSED = DeliveryError("slack", Message("not_in_channel"), retryable=False)


class Chat(Messenger):
    """A chat that takes every card, or refuses all."""

    threads = buttons = True

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.heard: list[tuple[str, str]] = []
        self.refuses: DeliveryError | None = None

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        if self.refuses:
            raise self.refuses
        self.heard.append((place.user, card.title))
        return Posted(place.user, key)

    async def update(self, posted: Posted, card: Card) -> bool:
        raise NotImplementedError

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        raise NotImplementedError

    async def find_user(self, email: str, phone: str) -> str:
        return ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        return None

    async def close(self) -> None: ...


class Alarmed(Desk):
    """Two chats; root is an administrator, and Alice the manager of a plan."""

    def __init__(self) -> None:
        super().__init__()
        self.chats = {name: Chat(name) for name in ("slack", "feishu")}
        self.environment = Environment(replace(POLICY, hooks={}, destinations=("slack",)))
        self.office.engine = Engine(self.store, self.clock, self.office.ids, self.environment, AUDIT_KEY)
        self.people()
        identities = Identities(self.store, self.office.engine, self.clock, self.chats)
        self.alarms = Alarms(
            self.store,
            self.office.engine,
            identities,
            self.chats,
            Locale("en", "UTC"),
            CardLinks(b"key", self.clock, "https://fabu.example.com"),
        )

    def people(self, **changes: bool) -> None:
        """Publish everybody with accounts in both chats; `changes` says who is not active any more."""
        people = {
            name: replace(
                person,
                accounts={chat: f"{chat}-{name}" for chat in self.chats},
                active=changes.get(name, person.active),
            )
            for name, person in PEOPLE.people.items()
        }
        self.environment.publish(directory=Directory(people))

    def open(self) -> None:
        """Begin to deliver."""
        self.start({DestinationKind.ADMINS: self.alarms.courier})

    async def raise_alarm(self, payload: Payload, plan: Plan, destination: Destination = ADMINS) -> None:
        await self.add(Effect("e1", plan.id, destination, payload, START))

    async def delivered(self) -> None:
        """Wait until every alarm was delivered."""

        async def alarms() -> list[Delivery]:
            page = await self.plain.read(lambda reading: reading.deliveries.page())
            return [found for found in page.items if found.effect.destination.kind is DestinationKind.ADMINS]

        await eventually(alarms, wanted=lambda found: {each.state for each in found} == {DeliveryState.DONE})

    async def undelivered(self) -> Plan:
        """A plan with a card that Slack refused."""
        plan = await self.office.create()
        now = self.clock.now()
        [card] = await self.plain.write(lambda writing: writing.outbox.claim(now, timedelta(minutes=2), 1))
        assert card.effect.payload == Sync()
        attempt = Attempt(START, 1, 0, Message("not_in_channel"))
        later = Settled(card.claim, DeliveryState.PENDING, attempt, now + timedelta(days=1))
        await self.plain.write(lambda writing: writing.outbox.settle([later]))
        return plan


@pytest.fixture
def alarmed(monkeypatch: pytest.MonkeyPatch) -> Alarmed:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)
    return Alarmed()


async def stop(alarmed: Alarmed) -> None:
    assert alarmed.worker
    await alarmed.worker.stop()


TITLE = "ci is told nothing any more"
CARDS = "#1 Release 1: Slack refuses the cards to Bob, C1"


def undelivered(chat: str = "slack") -> Undelivered:
    return Undelivered(chat, ("bob", "C1"), "alice", Message("not_in_channel"))


async def test_each_administrator_hears_once_of_an_endpoint(alarmed: Alarmed) -> None:
    plan = await alarmed.office.create()
    await alarmed.raise_alarm(ENDPOINT, plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert alarmed.chats["slack"].heard == [("slack-root", TITLE)]
    assert alarmed.chats["feishu"].heard == []


async def test_the_manager_hears_as_well_of_cards_that_are_refused(alarmed: Alarmed) -> None:
    plan = await alarmed.undelivered()
    await alarmed.raise_alarm(undelivered(), plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert sorted(alarmed.chats["slack"].heard) == [("slack-alice", CARDS), ("slack-root", CARDS)]


async def test_an_alarm_that_was_shared_out_before_an_interruption_is_sent_once(alarmed: Alarmed) -> None:
    plan = await alarmed.office.create()
    await alarmed.add(Effect("e1-root", plan.id, replace(ADMINS, name="root"), ENDPOINT, START))
    await alarmed.raise_alarm(ENDPOINT, plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert alarmed.chats["slack"].heard == [("slack-root", TITLE)]


@pytest.mark.parametrize("where", ["shared out", "waiting"])
async def test_who_has_left_hears_nothing(alarmed: Alarmed, where: str) -> None:
    plan = await alarmed.office.create()
    alarmed.people(root=False)
    await alarmed.raise_alarm(ENDPOINT, plan, replace(ADMINS, name="root") if where == "shared out" else ADMINS)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert alarmed.chats["slack"].heard == []


async def test_who_is_not_among_the_people_any_more_hears_nothing(alarmed: Alarmed) -> None:
    plan = await alarmed.office.create()
    await alarmed.raise_alarm(ENDPOINT, plan, replace(ADMINS, name="somebody"))
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert alarmed.chats["slack"].heard == []


async def test_an_alarm_goes_to_the_next_chat_when_one_refuses_it(alarmed: Alarmed) -> None:
    plan = await alarmed.office.create()
    alarmed.chats["slack"].refuses = REFUSED
    await alarmed.raise_alarm(ENDPOINT, plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert alarmed.chats["feishu"].heard == [("feishu-root", TITLE)]


async def test_an_alarm_that_every_chat_refuses_stays_due(alarmed: Alarmed) -> None:
    plan = await alarmed.office.create()
    for chat in alarmed.chats.values():
        chat.refuses = REFUSED
    await alarmed.raise_alarm(ENDPOINT, plan, replace(ADMINS, name="root"))
    alarmed.open()
    await eventually(alarmed.attempts, "e1", wanted=len)
    await stop(alarmed)
    waiting = await alarmed.delivery("e1")
    assert (waiting.state, "not_in_channel" in str(waiting.error)) == (DeliveryState.PENDING, True)


@pytest.mark.parametrize("over", ["delivered", "another chat"])
async def test_an_alarm_about_cards_that_were_delivered_meanwhile_is_not_sent(alarmed: Alarmed, over: str) -> None:
    plan = await alarmed.undelivered()
    if over == "delivered":
        later, lease = START + timedelta(days=1), timedelta(seconds=15)
        claimed = await alarmed.plain.write(lambda writing: writing.outbox.claim(later, lease, 10))
        [card] = [delivery for delivery in claimed if delivery.effect.destination == SLACK]
        done = Settled(card.claim, DeliveryState.DONE, Attempt(START, 1, 200, Message.verbatim("")))
        await alarmed.plain.write(lambda writing: writing.outbox.settle([done]))
    await alarmed.raise_alarm(undelivered("slack" if over == "delivered" else "feishu"), plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)
    assert [chat.heard for chat in alarmed.chats.values()] == [[], []]


async def test_an_alarm_about_a_plan_that_was_deleted_is_no_failure(alarmed: Alarmed) -> None:
    plan = await alarmed.undelivered()
    await alarmed.office.do(c.Delete, plan)
    await alarmed.raise_alarm(undelivered(), plan)
    alarmed.open()
    await alarmed.delivered()
    await stop(alarmed)


async def test_cards_are_due_however_many_deliveries_came_after_them() -> None:
    clock = ManualClock(START)
    store = MemoryStore(clock)
    plan = await Office(store, clock).create()
    gone = Destination(DestinationKind.RUNNER, "gone")
    later = [Effect(f"{number:032x}", plan.id, gone, RunCancel("r", "i", "")) for number in range(201)]
    await store.write(lambda writing: writing.outbox.add([Effect("card", plan.id, SLACK, Sync()), *later]))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "slack"))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "dingtalk")) is None

    claimed = await store.write(lambda writing: writing.outbox.claim(START, timedelta(minutes=1), 500, [gone]))
    done = [Settled(each.claim, DeliveryState.DONE, Attempt(START, 1)) for each in claimed]
    await store.write(lambda writing: writing.outbox.settle(done))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "slack")) is None
