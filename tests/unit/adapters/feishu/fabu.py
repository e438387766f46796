"""A whole Fabu with Feishu as its only chat: engine, memory store, dispatch, cards and approval forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.common.system import SystemClock, SystemIds
from adapters.feishu.approval_forms import FeishuForms
from adapters.feishu.client import FeishuClient
from adapters.feishu.messenger import FeishuMessenger
from adapters.store.open import open_store
from bot.chat.dispatch import Dispatch
from bot.i18n import Locale
from bot.outbox.approval_forms import ApprovalFormStages
from bot.outbox.cards import CardSync
from bot.outbox.worker import Courier, Couriers, DeliveryWorker, patient
from bot.people.identities import Identities
from core import commands as c
from core.context import Environment, Policy
from core.draft import PlanDraft
from core.effects import DestinationKind
from core.engine import Engine
from core.people import Directory, Group, Person
from core.plan import Plan
from core.ports.approval_forms import ApprovalForms
from core.ports.messenger import Messenger
from core.ports.store import Store
from core.status import PlanStatus
from tests.simulators.feishu import FeishuSimulator

from .app import section_of

URL = "https://fabu.example"
PEOPLE = (
    Person("alice", "Alice", feishu="ou_alice"),
    Person("bob", "Bob", feishu="ou_bob"),
    Person("carol", "Carol", email="carol@example.com"),
    Person("dave", "Dave", feishu="ou_dave"),
    Person("erin", "Erin"),
)


@dataclass(slots=True)
class Fabu:
    """What tests act upon."""

    store: Store
    engine: Engine
    dispatch: Dispatch
    forms: ApprovalFormStages

    async def submitted(self, *stages: dict[str, Any], name: str = "Shop") -> Plan:
        """Return a plan of Alice's that waits for approval, with its cards posted and its form open."""
        items = [{"key": "backup", "name": "backup", "type": "text", "content": "pg_dump"}]
        approval = {"stages": [{"name": "QA", **stage} for stage in stages]}
        draft = PlanDraft.model_validate({"name": name, "approval": approval, "items": items})
        created = c.Create(plan_id=SystemIds().new(), draft=draft)
        await self.do(created)
        await self.do(c.Submit(plan_id=created.plan_id))
        await self.idle()
        return await self.plan(created.plan_id)

    async def do(self, command: c.AnyCommand, person: str = "alice") -> Plan:
        """Let somebody do something in the console."""
        return (await self.engine.execute(command, self.engine.directory.actor(person, "console"))).plan

    async def plan(self, plan_id: str) -> Plan:
        """Return a plan as it is now."""
        return await self.store.read(lambda reading: reading.plans.get(plan_id, whole=True))

    async def status(self, plan: Plan) -> PlanStatus:
        """Return how a plan stands now."""
        return (await self.plan(plan.id)).status

    async def idle(self) -> None:
        """Wait until nothing is left to deliver."""
        async with asyncio.timeout(10):
            while True:
                counts = await self.store.read(lambda reading: reading.deliveries.counts())
                if not (counts.get("pending") or counts.get("sending")):
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def fabu(feishu: FeishuSimulator, *, with_forms: bool = True) -> AsyncIterator[Fabu]:
    """Run Fabu against the simulator."""
    clock, ids, locale = SystemClock(), SystemIds(), Locale("en", "UTC")
    client = FeishuClient(section_of(feishu), SystemClock(), timeout=5)
    messengers: dict[str, Messenger] = {"feishu": FeishuMessenger(client)}
    vendors: dict[str, ApprovalForms] = {"feishu_instance": FeishuForms(client)} if with_forms else {}
    store = open_store("memory://", b"key")
    directory = Directory({one.id: one for one in PEOPLE}, {"qa": Group("qa", ("bob", "carol"))})
    engine = Engine(store, clock, ids, Environment(Policy(destinations=("feishu",)), directory), b"audit")
    identities = Identities(store, engine, clock, messengers)
    dispatch = Dispatch(engine, store, identities, clock, ids, locale=locale, public_url=URL)
    forms = ApprovalFormStages(store, engine, identities, vendors, locale, URL)
    cards = CardSync(
        messengers["feishu"], "oc_ops", store, engine, identities, clock, ids, locale, URL, ("feishu",)
    )  # fmt: skip
    couriers: Couriers = {
        DestinationKind.CHAT: Courier(cards.deliver, patient),
        DestinationKind.APPROVAL_FORM: forms.courier,
    }
    worker = DeliveryWorker(store, clock, couriers, engine)
    engine.listen(lambda _: worker.wake())
    worker.start()
    try:
        yield Fabu(store, engine, dispatch, forms)
    finally:
        await worker.stop()
        await engine.drain()
        await store.close()
