"""Workflows that run: starting and cancelling them as effects, and taking over what runners report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from bot.outbox.worker import Courier, Sent, patient
from core import commands as c
from core.effects import Effect, EffectKind
from core.engine import Engine
from core.errors import DeliveryError, FabuError, NotFound
from core.people import Actor, ActorKind
from core.plan import Item, Plan, Run
from core.ports.outbox import Attempt, Delivery
from core.ports.runner import Embedded, Runner, RunOrder, RunReport
from core.ports.store import Reading, Store
from core.status import RunStatus
from core.workflow import Workflow

log = logging.getLogger(__name__)

RUNNER = Actor("system", ActorKind.SYSTEM, "runner")
_TRIES = 9


async def report_run(engine: Engine, plan_id: str, item_id: str, report: RunReport) -> None:
    """Take over what a runner says about an attempt."""
    command = c.ReportRun(
        plan_id=plan_id, item_id=item_id, run_id=report.run_id, status=report.status,
        external_id=report.external_id, url=report.url, message=report.message,
    )  # fmt: skip
    await engine.execute(command, RUNNER)


class Runs:
    """Connects the plan engine with the runners."""

    def __init__(self, store: Store, engine: Engine, runners: Mapping[str, Runner]) -> None:
        self._store, self._engine, self.runners = store, engine, runners

    @property
    def courier(self) -> Courier:
        """How runs are started and let go on: for four minutes, then a person decides. Stopping has no end."""
        return Courier(self._deliver, _backoff, self._given_up)

    async def prune(self) -> None:
        """Let the runners remove outputs that have been kept for long enough."""
        for runner in self.runners.values():
            if isinstance(runner, Embedded):
                await runner.prune()

    async def poll(self) -> None:
        """Ask the runners about every attempt that has not ended: the slow way that finds what a push missed."""
        for plan_id, item in await self._store.read(lambda reading: reading.plans.open_runs()):
            await self.follow(plan_id, item)
        for runner in self.runners.values():
            for plan_id, item_id, run_id in runner.going() if isinstance(runner, Embedded) else ():
                if await self._withdrawn(plan_id, item_id, run_id):  # another server took the word to stop it
                    await runner.cancel(run_id, "")

    async def follow(self, plan_id: str, item: Item) -> None:
        """Ask the runner about the attempt of an item, unless it is just being started."""
        runner, run = self.runners.get(item.runner), item.run
        if runner is None or run is None or run.status is RunStatus.STARTING:
            return
        try:
            order = await self._order(plan_id, item.id, run.id)
            if told := await runner.status(run.id, run.external_id, order):
                await report_run(self._engine, plan_id, item.id, told)
        except FabuError as error:
            log.info("%s cannot be asked about a run: %s", item.runner, error)

    async def _deliver(self, delivery: Delivery) -> Sent:
        effect = delivery.effect
        item_id, run_id = str(effect.payload["item"]), effect.ref
        runner = self._runner(effect.destination)
        run = await self._run(effect.plan_id, item_id, run_id)
        if effect.kind is EffectKind.RUN_CANCEL:
            await runner.cancel(run_id, run.external_id if run else str(effect.payload.get("run", "")))
            return Sent()
        if effect.kind is EffectKind.RUN_RESUME:
            await self._resume(runner, effect, run)
            return Sent()
        interrupted = delivery.attempts > len(await self._tries(effect)) + 1
        if run is None or not (interrupted or run.status is RunStatus.STARTING):
            return Sent()  # taken back before it could begin, or started by an earlier try
        order = await self._order(effect.plan_id, item_id, run_id)
        found = await runner.find(order) if interrupted else await self._start(runner, order)
        unknown = RunReport(run_id, RunStatus.UNKNOWN, message="the start was interrupted")
        await report_run(self._engine, effect.plan_id, item_id, found or unknown)
        return Sent()

    async def _resume(self, runner: Runner, effect: Effect, run: Run | None) -> None:
        """Let an attempt go on, unless it is not wanted any more.

        One that has gone on, or asks again, may wait elsewhere by now, where nobody has agreed yet: a later try, or a
        delivery that is replayed, must not agree in their place.
        """
        tries = await self._tries(effect)
        if run is None or any(not each.error for each in tries) or (tries and run.status is RunStatus.WAITING):
            return
        order = await self._order(effect.plan_id, str(effect.payload["item"]), run.id)
        said = ": ".join(filter(None, (str(effect.payload["by"]), str(effect.payload["comment"]))))
        await runner.resume(run.id, run.external_id, order, said)

    async def _tries(self, effect: Effect) -> list[Attempt]:
        return await self._store.read(lambda reading: reading.deliveries.attempts(effect.id))

    async def _run(self, plan_id: str, item_id: str, run_id: str) -> Run | None:
        """Return an attempt; None when its item is gone or has a newer one."""
        plan = await self._store.read(lambda reading: reading.plans.get(plan_id))
        item = plan.items.get(item_id)
        return item.run if item and item.run and item.run.id == run_id else None

    async def _withdrawn(self, plan_id: str, item_id: str, run_id: str) -> bool:
        try:
            run = await self._run(plan_id, item_id, run_id)
        except NotFound:
            return True
        return run is None or run.status is RunStatus.CANCELLED

    async def _start(self, runner: Runner, order: RunOrder) -> RunReport | None:
        """Start an attempt; None when nobody can tell whether it was started."""
        try:
            return await runner.start(order)
        except DeliveryError as error:
            if not error.sent:
                raise
            if error.retryable:
                return await _found(runner, order)
            return RunReport(order.run_id, RunStatus.FAILED, message=str(error.params["reason"]))

    async def _given_up(self, delivery: Delivery, error: DeliveryError) -> None:
        if delivery.effect.kind is EffectKind.RUN_START:
            report = RunReport(delivery.effect.ref, RunStatus.FAILED, message=str(error.params["reason"]))
            await report_run(self._engine, delivery.effect.plan_id, str(delivery.effect.payload["item"]), report)
        if delivery.effect.kind is EffectKind.RUN_RESUME:
            report = RunReport(delivery.effect.ref, RunStatus.WAITING, message=str(error.params["reason"]))
            await report_run(self._engine, delivery.effect.plan_id, str(delivery.effect.payload["item"]), report)

    def _runner(self, destination: str) -> Runner:
        name = destination.partition(":")[2]
        if name not in self.runners:
            raise DeliveryError(name, "this runner is not enabled in the settings", retryable=False, sent=False)
        return self.runners[name]

    async def _order(self, plan_id: str, item_id: str, run_id: str) -> RunOrder:
        def load(reading: Reading) -> tuple[Plan, Item, Workflow]:
            plan = reading.plans.get(plan_id)
            return plan, plan.items[item_id], Workflow.model_validate(reading.plans.spec(plan_id, item_id))

        plan, item, workflow = await self._store.read(load)
        run = item.run
        return RunOrder(
            run_id=run_id, plan_id=plan_id, plan_number=plan.number, plan_name=plan.name,
            item_id=item_id, item_name=item.name, attempt=run.attempt if run else 1,
            project=item.project, workflow=workflow, actor=item.executed_by, previous=run.external_id if run else "",
            requested_at=item.executed_at,
        )  # fmt: skip


def _backoff(delivery: Delivery) -> timedelta | None:
    stops = delivery.effect.kind is EffectKind.RUN_CANCEL
    return patient(delivery) if stops or delivery.attempts < _TRIES else None


async def _found(runner: Runner, order: RunOrder) -> RunReport | None:
    """Look for an attempt that may have been started. When that fails too, nothing may be started in its place."""
    try:
        return await runner.find(order)
    except DeliveryError as error:
        log.warning("%s cannot be asked whether a run was started: %s", runner.name, error)
        return None
