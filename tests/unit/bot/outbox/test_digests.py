"""Digests when something is late, repeated or gone: another chat, a crash between two steps, people who leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.i18n import Locale
from bot.outbox.digests import PAUSE, Digests, digest_effect
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from core import commands as c
from core.card import Card
from core.context import Environment, Policy
from core.effects import DestinationKind
from core.engine import Engine
from core.errors import DeliveryError
from core.messages import Message
from core.people import SYSTEM, Directory, Person
from core.plan import Plan
from core.ports.digests import DigestRecord
from core.ports.messenger import Place, Posted
from core.ports.outbox import Attempt, Delivery, DeliveryState, Settled
from core.status import RunStatus
from tests.clock import ManualClock
from tests.contract.store.offices import item_of
from tests.worlds import PEOPLE, START, draft, text_item, workflow_item

BUSY = DeliveryError("the chat", Message("busy"), retryable=True)
REFUSED = DeliveryError("the chat", Message("not allowed"), retryable=False)


class Chat:
    """A chat that keeps what it shows, and that may answer the next calls with an error."""

    threads, buttons = True, True

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.shown: dict[str, Card] = {}
        self.lines: list[str] = []
        self.updates = 0
        self.updatable = True
        self.failure: DeliveryError | None = None
        self.update_failure: DeliveryError | None = None

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        self._answer()
        self.shown.setdefault(key, card)
        return Posted(place.user, key)

    async def update(self, posted: Posted, card: Card) -> bool:
        self._answer()
        if self.update_failure:
            raise self.update_failure
        self.updates += 1
        if self.updatable:
            self.shown[posted.message] = card
        return self.updatable

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        self._answer()
        self.lines.append(text)

    async def find_user(self, email: str, phone: str) -> str:
        self._answer()
        return ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        return None

    async def close(self) -> None:
        return None

    @property
    def titles(self) -> list[str]:
        return [card.title for card in self.shown.values()]

    def _answer(self) -> None:
        if self.failure:
            raise self.failure


class Case:
    """Two chats, a store in memory, and the digests of the people in both."""

    def __init__(self) -> None:
        self.clock, self.ids = ManualClock(START), SystemIds()
        self.store = open_store("memory://", b"k" * 32, self.clock)
        self.one, self.two = Chat("slack"), Chat("feishu")
        self.chats = {chat.platform: chat for chat in (self.one, self.two)}
        policy = Policy(runners={"local": lambda _: []}, destinations=tuple(self.chats))
        self.environment = Environment(policy, PEOPLE)
        self.engine = Engine(self.store, self.clock, self.ids, self.environment, b"key")
        self.identities = Identities(self.store, self.engine, self.clock, self.chats)
        self.digests = Digests(
            self.store, self.engine, self.identities, self.chats, self.clock, self.ids,
            Locale("en", "UTC"), CardLinks(b"key", self.clock, "https://fabu.example.com"),
        )  # fmt: skip
        self.has(slack="U1", feishu="ou_1")

    def has(self, *, active: bool = True, email: str = "", **accounts: str) -> None:
        """Give Bob these accounts."""
        bob = Person("bob", "Bob", email=email, accounts=accounts, active=active)
        self.environment.publish(directory=Directory({**PEOPLE.people, "bob": bob}, PEOPLE.groups))

    async def started(self, *keys: str, others: Sequence[dict[str, Any]] = ()) -> Plan:
        """Start a plan with steps that are Bob's, and with other items."""
        items = [*(text_item(key, assignee="bob") for key in keys), *others]
        command = c.Create(plan_id=self.ids.new_plan(), draft=draft(items=items))
        alice = PEOPLE.actor("alice", "api")
        await self.engine.execute(command, alice)
        return (await self.engine.execute(c.Submit(plan_id=command.plan_id), alice)).plan

    async def do(self, command: type[c.Command], plan: Plan, **fields: str) -> None:
        asked = command(plan_id=plan.id, **fields)
        await self.engine.execute(asked, PEOPLE.actor("alice", "api"))  # type: ignore[arg-type]

    async def deliver(self) -> list[DeliveryError]:
        """Deliver what is due of digests, as the worker does, until nothing is; return the errors."""
        failures: list[DeliveryError] = []
        while True:
            now = self.clock.now()
            due = await self.store.write(lambda writing: writing.outbox.claim(now, timedelta(minutes=2), 50))  # noqa: B023
            if not due:
                return failures
            for delivery in due:
                await self._deliver(delivery, failures)

    async def _deliver(self, delivery: Delivery, failures: list[DeliveryError]) -> None:
        state, due_at = DeliveryState.DONE, None
        if delivery.effect.destination.kind is DestinationKind.DIGESTS:
            try:
                await self.digests.courier.deliver(delivery)
            except DeliveryError as error:
                failures.append(error)
                state, due_at = DeliveryState.PENDING, self.clock.now() + timedelta(seconds=1)
        settled = Settled(delivery.claim, state, Attempt(self.clock.now(), 1), due_at)
        await self.store.write(lambda writing: writing.outbox.settle([settled]))

    async def again(self, after: timedelta = timedelta(seconds=1)) -> list[DeliveryError]:
        self.clock.advance(after)
        return await self.deliver()

    async def records(self) -> list[DigestRecord]:
        return await self.store.read(lambda reading: reading.digests.of_person("bob"))

    async def refusals(self, plan: Plan) -> int:
        entries = await self.store.read(lambda reading: reading.log.of_plan(plan.id))
        return sum(entry.event == "cards_refused" for entry in entries)


@pytest.fixture
async def case() -> AsyncIterator[Case]:
    opened = Case()
    yield opened
    await opened.store.close()


async def test_a_digest_follows_its_reader_to_another_chat(case: Case) -> None:
    await case.started("notes")
    await case.deliver()
    assert (case.one.titles, case.two.titles) == (["1 thing waits for you"], [])
    case.has(feishu="ou_1")
    await case.started("more")
    await case.deliver()
    assert (case.one.titles, case.two.titles) == (["Moved below"], ["2 things wait for you"])
    assert len(await case.records()) == 1


async def test_who_has_no_account_gets_a_digest_once_there_is_one(case: Case) -> None:
    case.has()
    plan = await case.started("notes", others=[text_item("other")])
    assert await case.deliver() == []
    assert case.one.shown == case.two.shown == {}
    case.has(slack="U1")
    await case.do(c.Execute, plan, item_id=item_of(plan, "other").id)
    await case.deliver()
    assert case.one.titles == ["1 thing waits for you"], "although nothing else waits for Bob than before"


async def test_a_chat_that_is_away_is_waited_for(case: Case) -> None:
    case.has(email="bob@example.com")
    case.one.failure = BUSY
    plan = await case.started("notes")
    assert await case.deliver() == [BUSY]
    assert await case.refusals(plan) == 0
    case.has(slack="U1")
    case.one.failure = None
    assert await case.again() == []
    assert case.one.titles == ["1 thing waits for you"]


async def test_a_chat_that_refuses_to_look_somebody_up_is_reported_once(case: Case) -> None:
    case.has(email="bob@example.com")
    case.one.failure = REFUSED
    plan = await case.started("notes")
    assert await case.deliver() == [REFUSED]
    assert await case.again() == [REFUSED]
    assert await case.refusals(plan) == 1


async def test_a_refusal_is_reported_once_and_again_after_a_success(case: Case) -> None:
    plan = await case.started("notes")
    case.one.failure = REFUSED
    assert await case.deliver() == [REFUSED]
    [intent] = await case.records()
    assert (intent.message, intent.refused) == ("", True)
    assert await case.again() == [REFUSED]
    assert await case.refusals(plan) == 1
    assert [record.id for record in await case.records()] != [intent.id], "a key is not used again after a refusal"
    case.one.failure = None
    assert await case.again() == []
    [record] = await case.records()
    assert (case.one.titles, record.refused) == (["1 thing waits for you"], False)


async def test_an_intent_is_dropped_when_nothing_waits_any_more(case: Case) -> None:
    plan = await case.started("notes")
    case.one.failure = BUSY
    assert await case.deliver() == [BUSY]
    await case.do(c.Cancel, plan)
    case.one.failure = None
    assert await case.again() == []
    assert (case.one.shown, await case.records()) == ({}, [])


async def test_the_message_before_an_intent_is_replaced_by_what_the_intent_posts(case: Case) -> None:
    await case.started("notes")
    await case.deliver()
    await case.started("more")
    case.clock.advance(PAUSE)
    case.one.failure = BUSY
    assert BUSY in await case.deliver()
    assert len(await case.records()) == 2
    case.one.failure = None
    assert await case.again() == []
    assert case.one.titles == ["Moved below", "2 things wait for you"]
    assert len(await case.records()) == 1


async def test_a_message_that_was_moved_says_so_later_when_its_chat_was_away(case: Case) -> None:
    await case.started("notes")
    await case.deliver()
    [record] = await case.records()
    moved = replace(record, id="old", message="old", moved=True)
    case.one.shown["old"] = Card("1 thing waits for you", "")
    await case.store.write(lambda writing: writing.digests.put(moved))
    await case.started("more")
    await case.deliver()
    assert case.one.shown["old"].title == "Moved below"
    assert [each.id for each in await case.records()] == [record.id]


async def test_a_message_that_is_gone_is_posted_anew_and_forgotten_when_nothing_waits(case: Case) -> None:
    first = await case.started("notes")
    await case.deliver()
    case.one.updatable = False
    second = await case.started("more")
    await case.deliver()
    assert case.one.titles == ["1 thing waits for you", "2 things wait for you"]
    assert len(await case.records()) == 1
    await case.do(c.Cancel, first)
    await case.do(c.Cancel, second)
    await case.deliver()
    assert await case.records() == []


async def test_nothing_is_sent_when_nothing_has_changed(case: Case) -> None:
    plan = await case.started("notes")
    await case.deliver()
    await case.do(c.Cancel, await case.started("more"))
    again = digest_effect(case.ids, "bob")
    await case.store.write(lambda writing: writing.outbox.add([again]))
    await case.deliver()
    assert case.one.updates == 0
    await case.do(c.Cancel, plan)
    await case.deliver()
    assert case.one.updates == 1


async def test_a_chat_without_updates_gets_a_line_at_most_once_a_minute(case: Case) -> None:
    case.one.buttons = False
    first, second = await case.started("notes"), await case.started("more")
    await case.deliver()
    assert case.one.titles == ["2 things wait for you"]
    await case.do(c.Cancel, first)
    await case.deliver()
    assert case.one.lines == []
    await case.again(PAUSE)
    assert [line.partition(":")[0] for line in case.one.lines] == ["1 thing waits for you"]
    await case.do(c.Cancel, second)
    await case.again(PAUSE)
    assert case.one.lines[1:] == ["Nothing waits for you."]
    assert case.one.updates == 0


async def test_the_digests_of_people_who_leave_are_closed(case: Case) -> None:
    plan = await case.started("notes")
    await case.deliver()
    await case.digests.poll()
    assert await case.deliver() == []
    assert case.one.updates == 0, "who is here keeps theirs"
    case.has(slack="U1", active=False)
    await case.digests.poll()
    await case.deliver()
    assert (case.one.titles, await case.records()) == (["Nothing waits for you."], [])
    case.has(slack="U1")
    await case.do(c.Replan, plan)
    await case.do(c.Submit, plan)
    await case.deliver()
    assert case.one.titles == ["Nothing waits for you.", "1 thing waits for you"]


async def test_a_failure_moves_no_digest_since_it_has_a_card_of_its_own(case: Case) -> None:
    plan = await case.started("notes", others=[workflow_item("deploy", assignee="bob")])
    deploy = item_of(plan, "deploy")
    await case.do(c.Execute, plan, item_id=deploy.id)
    await case.deliver()
    case.clock.advance(PAUSE)
    stored = await case.store.read(lambda reading: reading.plans.get(plan.id))
    run = stored.items[deploy.id].run
    assert run
    failed = c.ReportRun(plan_id=plan.id, item_id=deploy.id, run_id=run.id, status=RunStatus.FAILED)
    await case.engine.execute(failed, SYSTEM)
    await case.deliver()
    assert case.one.titles == ["2 things wait for you"]
    assert case.one.updates == 1


async def test_a_move_whose_end_failed_is_finished(case: Case) -> None:
    await case.started("notes")
    await case.deliver()
    case.clock.advance(PAUSE)
    case.one.update_failure = BUSY
    await case.started("more")
    assert await case.deliver() == [BUSY]
    assert case.one.titles == ["1 thing waits for you", "2 things wait for you"]
    case.one.update_failure = None
    assert await case.again() == []
    assert case.one.titles == ["Moved below", "2 things wait for you"]
    assert len(await case.records()) == 1


async def test_what_was_posted_before_a_crash_is_updated(case: Case) -> None:
    await case.started("notes")
    await case.deliver()
    [record] = await case.records()
    intent = DigestRecord(record.id, "bob", "slack")
    await case.store.write(lambda writing: writing.digests.put(intent))
    await case.started("more")
    await case.deliver()
    assert case.one.titles == ["2 things wait for you"]


async def test_no_other_chat_is_taken_while_the_first_cannot_be_asked(case: Case) -> None:
    case.has(email="bob@example.com", feishu="ou_1")
    case.one.failure = BUSY
    await case.started("notes")
    assert await case.deliver() == [BUSY]
    assert case.two.shown == {}
    case.one.failure = REFUSED
    assert await case.again() == []
    assert case.two.titles == ["1 thing waits for you"], "a chat that refuses lookups is passed over"
