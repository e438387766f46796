"""A runner that finds no run again, and a plan whose workflow it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.outbox.runs import Runs
from core import commands as c
from core.effects import DestinationKind, Payload, RunStart
from core.errors import DeliveryError, Problem
from core.plan import Plan, Run
from core.ports.outbox import Delivery, DeliveryState
from core.ports.runner import Embedded, Runner, RunOrder, RunReport
from core.status import RunStatus
from core.workflow import Workflow
from tests.contract.store.offices import item_of
from tests.unit.bot.outbox.failing import Desk
from tests.waiting import eventually
from tests.worlds import draft, stage, text_item, workflow_item


class Forgetful(Runner, Embedded):
    """A runner that finds no run again, as Zadig does where a workflow has no parameter for the reference."""

    name = "local"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.orders: list[RunOrder] = []
        self.failures: list[DeliveryError] = []
        self.found: RunStatus | None = None
        self.now: RunStatus | None = RunStatus.RUNNING
        self.active: list[tuple[str, str, str]] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def problems(self, workflow: Workflow) -> list[Problem]:
        return []

    async def start(self, order: RunOrder) -> RunReport:
        self.orders.append(order)
        self._note(f"start {order.attempt}")
        self.meanwhile()
        return RunReport(order.run_id, RunStatus.RUNNING, f"task/{order.attempt}")

    async def find(self, order: RunOrder) -> RunReport | None:
        self._note("find")
        return RunReport(order.run_id, self.found) if self.found else None

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport | None:
        self._note(f"status {external_id}")
        return RunReport(run_id, self.now, external_id) if self.now else None

    async def cancel(self, run_id: str, external_id: str) -> None:
        self._note(f"cancel {external_id}")

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        self._note(f"resume {external_id} {comment}")

    async def close(self) -> None: ...

    def home(self) -> str:
        return "here"

    def home_of(self, external_id: str) -> str:
        return external_id.partition("@")[2]

    def active_runs(self) -> list[tuple[str, str, str]]:
        return self.active

    def output(self, run_id: str) -> str:
        return ""

    async def prune(self) -> None:
        self._note("prune")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)


class Machine(Desk):
    """A plan whose workflow a runner runs, and the deliveries to that runner."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = Forgetful()
        self.gone: set[str] = set()
        self.runs = Runs(self.store, self.office.engine, {"local": self.runner}, self.clock, self.gone.__contains__)
        self.plan: Plan

    async def execute(self) -> Plan:
        """Have the workflow of a new plan executed; nothing is delivered yet."""
        items = [text_item("notes"), workflow_item("deploy")]
        self.plan = await self.office.create(draft(stage("bob"), items=items))
        await self.office.do(c.Submit, self.plan)
        await self.office.do(c.Approve, self.plan, "bob")
        return await self.do(c.Execute)

    async def do(self, command: type[c.Command], by: str = "alice", /, **fields: Any) -> Plan:
        if issubclass(command, c.ItemCommand):
            fields["item_id"] = item_of(self.plan, "deploy").id
        self.plan = await self.office.do(command, self.plan, by, **fields)
        return self.plan

    def open(self) -> None:
        """Begin to deliver."""
        self.start({DestinationKind.RUNNER: self.runs.courier})

    async def run(self) -> Run:
        run = item_of(await self.office.stored(self.plan), "deploy").run
        assert run is not None
        return run

    async def until_run(self, status: RunStatus) -> Run:
        return await eventually(self.run, wanted=lambda run: run.status is status)

    async def deliveries(self, kind: type[Payload]) -> list[Delivery]:
        page = await self.plain.read(lambda reading: reading.deliveries.page(self.plan.id))
        return [found for found in page.items if isinstance(found.effect.payload, kind)]

    async def until_ended(self, kind: type[Payload], state: DeliveryState = DeliveryState.DONE) -> Delivery:
        def ended(found: list[Delivery]) -> bool:
            return bool(found) and all(each.state is state for each in found)

        [delivery] = await eventually(self.deliveries, kind, wanted=ended)
        return delivery

    async def tried(self, kind: type[Payload]) -> bool:
        [delivery] = await self.deliveries(kind)
        return bool(delivery.error)

    async def report(self, status: RunStatus) -> None:
        """Report on the present run, as a push does."""
        self.plan = await self.office.report(self.plan, "deploy", status, external_id="task/1")

    async def waiting(self) -> None:
        """Have a run that waits for a person, and nothing that is still to be delivered."""
        await self.execute()
        self.open()
        await self.until_ended(RunStart)
        await self.stop()
        self.runner.calls.clear()
        self.plan = await self.office.stored(self.plan)
        await self.report(RunStatus.WAITING)

    async def replay(self, delivery: Delivery) -> None:
        """Have a delivery made again, and wait until it is."""
        ids, now = [delivery.effect.id], self.clock.now()
        await self.plain.write(lambda writing: writing.outbox.replay(ids, now))
        self.wake()
        await eventually(self.attempts, delivery.effect.id, wanted=lambda attempts: len(attempts) == 2)

    def wake(self) -> None:
        assert self.worker
        self.worker.wake()

    async def stop(self, grace: float = 10.0) -> None:
        assert self.worker
        await self.worker.stop(grace)
        self.worker = None

    async def stop_and_forget(self) -> None:
        """Stop the server in the middle of a delivery; the database is there again for its successor."""
        await self.stop(grace=0.05)
        self.runner.meanwhile = lambda: None
        self.store.writable.set()
        await self.plain.write(lambda writing: writing.outbox.release_all(self.clock.now()))
