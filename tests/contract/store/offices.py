"""An engine with a store, and people who execute commands."""

from __future__ import annotations

from typing import Any

from adapters.common.system import SystemIds
from core import commands as c
from core.audit import LogEntry
from core.context import Environment, Policy
from core.draft import PlanDraft
from core.engine import Engine, Outcome
from core.people import EXTERNAL, SYSTEM, Actor, Directory
from core.plan import Item, Plan
from core.ports.clock import Ids
from core.ports.store import Store
from core.status import HookEvent, RunStatus
from tests.clock import ManualClock
from tests.worlds import PEOPLE, START, draft, workflow_item

AUDIT_KEY = b"audit"
SECRET = "s3cret-of-the-database"
POLICY = Policy(
    hooks={"ci": frozenset({HookEvent.START_EXECUTE})},
    runners={"local": lambda _: []},
    destinations=("slack", "feishu"),
)
_OTHERS = {"system": SYSTEM, "external": EXTERNAL}


class Office:
    """Executes commands, and reads every plan back from the store."""

    def __init__(
        self, store: Store, clock: ManualClock | None = None, policy: Policy = POLICY, directory: Directory = PEOPLE
    ) -> None:
        self.store = store
        self.clock = clock or ManualClock(START)
        self.ids: Ids = SystemIds()
        self.engine = Engine(store, self.clock, self.ids, Environment(policy, directory), AUDIT_KEY)

    async def create(
        self, plan_draft: PlanDraft | None = None, by: str = "alice", key: str = "", lineage: str = "", **fields: Any
    ) -> Plan:
        command = c.Create(plan_id=self.ids.new_plan(), draft=plan_draft or draft(**fields), lineage=lineage)
        return await self.stored((await self.engine.execute(command, actor(by), key)).plan)

    async def ask(
        self, command: type[c.Command], plan: Plan, by: str = "alice", /, key: str = "", **fields: Any
    ) -> Outcome:
        asked: Any = command(plan_id=plan.id, **fields)
        return await self.engine.execute(asked, actor(by), key)

    async def do(
        self, command: type[c.Command], plan: Plan, by: str = "alice", /, key: str = "", **fields: Any
    ) -> Plan:
        """Execute a command, and return the plan that is in the store after it."""
        await self.ask(command, plan, by, key=key, **fields)
        return await self.stored(plan)

    async def report(self, plan: Plan, key: str, status: RunStatus, **fields: Any) -> Plan:
        """Report on the current run of an item."""
        item = item_of(plan, key)
        assert item.run is not None
        return await self.do(c.ReportRun, plan, "system", item_id=item.id, run_id=item.run.id, status=status, **fields)

    async def log(self, plan: Plan) -> list[LogEntry]:
        return await self.store.read(lambda reading: reading.log.of_plan(plan.id))

    async def stored(self, plan: Plan) -> Plan:
        return await self.store.read(lambda reading: reading.plans.get(plan.id, whole=True))


def actor(name: str) -> Actor:
    return _OTHERS.get(name) or PEOPLE.actor(name, "api")


def item_of(plan: Plan, key: str) -> Item:
    return next(item for item in plan.items.values() if item.key == key)


def with_secret(key: str = "deploy") -> dict[str, Any]:
    """Return a workflow item with a credential."""
    params = [{"name": "TOKEN", "type": "string", "value": SECRET, "is_credential": True}]
    return workflow_item(key, workflow={"name": "deploy", "params": params, "stages": []})
