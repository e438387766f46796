"""Workflows that run: starting and cancelling them as effects, and taking over what runners report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from bot.outbox.worker import Courier, Sent, patient
from core import commands as c
from core.effects import Destination, Effect, RunCancel, RunResume, RunStart
from core.engine import Engine
from core.errors import DeliveryError, FabuError, NotFound
from core.messages import Message
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
_FAILED = frozenset({RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELLED})


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
        """Ask the runners about every attempt that has not ended or may run again: this finds what a push missed."""
        for plan_id, item in await self._store.read(watched_runs):
            await self.follow(plan_id, item)
        for runner in self.runners.values():
            for plan_id, item_id, run_id in runner.active_runs() if isinstance(runner, Embedded) else ():
                if await self._withdrawn(plan_id, item_id, run_id):  # another server took the word to stop it
                    await runner.cancel(run_id, "")

    async def follow(self, plan_id: str, item: Item) -> None:
        """Ask the runner about the attempt of an item, unless it is just being started.

        Of an attempt that has failed only a new run is news: a retry that could not start has the id of the run before.
        """
        runner, run = self.runners.get(item.runner), item.run
        if runner is None or run is None or run.status is RunStatus.STARTING:
            return
        try:
            order = await self._order(plan_id, item.id, run.id)
            told = await runner.status(run.id, run.external_id, order)
            if told and not (run.status in _FAILED and told.status in (*_FAILED, RunStatus.UNKNOWN)):
                await report_run(self._engine, plan_id, item.id, told)
        except FabuError as error:
            log.info("%s cannot be asked about a run: %s", item.runner, error)

    async def _deliver(self, delivery: Delivery) -> Sent:
        effect = delivery.effect
        runner = self._runner(effect.destination)
        match effect.payload:
            case RunStart() as payload:
                await self._begin(runner, delivery, payload)
            case RunResume() as payload:
                await self._resume(runner, effect, payload)
            case _:
                await self._cancel(runner, effect.plan_id, effect.payload_as(RunCancel))
        return Sent()

    async def _begin(self, runner: Runner, delivery: Delivery, start: RunStart) -> None:
        """Start an attempt, or find out what became of a start that was interrupted."""
        effect = delivery.effect
        run = await self._run(effect.plan_id, start.item_id, start.run_id)
        interrupted = delivery.attempts > len(await self._tries(effect)) + 1
        if run is None or not (interrupted or run.status is RunStatus.STARTING):
            return  # taken back before it could begin, or started by an earlier try
        order = await self._order(effect.plan_id, start.item_id, start.run_id)
        found = await runner.find(order) if interrupted else await self._start(runner, order)
        unknown = RunReport(start.run_id, RunStatus.UNKNOWN, message=Message("the start was interrupted"))
        await report_run(self._engine, effect.plan_id, start.item_id, found or unknown)

    async def _cancel(self, runner: Runner, plan_id: str, cancel: RunCancel) -> None:
        run = await self._run(plan_id, cancel.item_id, cancel.run_id)
        await runner.cancel(cancel.run_id, run.external_id if run else cancel.external_id)

    async def _resume(self, runner: Runner, effect: Effect, resume: RunResume) -> None:
        """Let an attempt go on, unless it is not wanted any more.

        One that has gone on, or asks again, may wait elsewhere by now, where nobody has agreed yet: a later try, or a
        delivery that is replayed, must not agree in their place.
        """
        run = await self._run(effect.plan_id, resume.item_id, resume.run_id)
        tries = await self._tries(effect)
        if run is None or any(not each.error for each in tries) or (tries and run.status is RunStatus.WAITING):
            return
        order = await self._order(effect.plan_id, resume.item_id, run.id)
        comment = ": ".join(filter(None, (resume.by, resume.comment)))
        await runner.resume(run.id, run.external_id, order, comment)

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
            return RunReport(order.run_id, RunStatus.FAILED, message=error.reason)

    async def _given_up(self, delivery: Delivery, error: DeliveryError) -> None:
        match delivery.effect.payload:
            case RunStart(run_id, item_id):
                status = RunStatus.FAILED
            case RunResume(run_id, item_id):
                status = RunStatus.WAITING
            case _:
                return
        report = RunReport(run_id, status, message=error.reason)
        await report_run(self._engine, delivery.effect.plan_id, item_id, report)

    def _runner(self, destination: Destination) -> Runner:
        name = destination.name
        if name not in self.runners:
            reason = Message("this runner is not enabled in the settings")
            raise DeliveryError(name, reason, retryable=False, sent=False)
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


def watched_runs(reading: Reading) -> list[tuple[str, Item]]:
    """Return the plan's id and the item of every run that goes on, or that its runner's system may run again."""
    return [*reading.plans.open_runs(), *reading.plans.failed_runs()]


def _backoff(delivery: Delivery) -> timedelta | None:
    stops = isinstance(delivery.effect.payload, RunCancel)
    return patient(delivery) if stops or delivery.attempts < _TRIES else None


async def _found(runner: Runner, order: RunOrder) -> RunReport | None:
    """Look for an attempt that may have been started. When that fails too, nothing may be started in its place."""
    try:
        return await runner.find(order)
    except DeliveryError as error:
        log.warning("%s cannot be asked whether a run was started: %s", runner.name, error)
        return None
