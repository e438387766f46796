"""The runs of workflows: they are started, resumed and cancelled as effects, and their reports are recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from bot.outbox.contents import find_mismatch, is_reported
from bot.outbox.worker import LEASE, ClaimLost, Courier, Receipt, back_off_forever
from core import commands as c
from core.effects import Destination, Effect, RunCancel, RunResume, RunStart
from core.engine import Engine
from core.errors import DeliveryError, FabuError, NotFound, Thing, Unavailable
from core.messages import Message
from core.people import Actor, ActorKind
from core.plan import Item, Plan, Run
from core.ports.clock import Clock
from core.ports.outbox import Attempt, Delivery
from core.ports.runner import Embedded, Runner, RunOrder, RunReport
from core.ports.store import Reading, Store, Writing
from core.status import RunStatus
from core.workflow import Workflow

log = logging.getLogger(__name__)

RUNNER = Actor("system", ActorKind.SYSTEM, "runner")
"""The actor of commands that runners cause."""
_MAX_ATTEMPTS = 9
"""With the growing delays this is about four minutes; then a person decides what to do."""
_RECORD_AGAIN = 1.0
"""Seconds between two attempts to record a start."""
_ASK_AGAIN = 1.0
"""Seconds between two attempts to read whether a run goes on."""
_SERVER_GONE = Message("the server that runs it shows no sign of life; see there what was done, then retry or skip")
_FAILED = frozenset({RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELLED})


async def report_run(engine: Engine, plan_id: str, item_id: str, report: RunReport) -> None:
    """Record a runner's report on a run, unless its plan was deleted."""
    command = c.ReportRun(
        plan_id=plan_id, item_id=item_id, run_id=report.run_id, status=report.status,
        external_id=report.external_id, url=report.url, message=report.message,
    )  # fmt: skip
    with suppress(NotFound):
        await engine.execute(command, RUNNER)


async def is_wanted(store: Store, plan_id: str, item_id: str, run_id: str) -> bool:
    """Return whether a run goes on for its plan. Waits until the store answers."""
    waits = False
    while True:
        try:
            run = await _load_run(store, plan_id, item_id, run_id)
        except NotFound:
            return False
        except Unavailable as error:
            if not waits:
                log.warning("run %s waits, since its plan cannot be read: %s", run_id, error)
            waits = True
            await asyncio.sleep(_ASK_AGAIN)
        else:
            return run is not None and not run.status.ended


async def _load_run(store: Store, plan_id: str, item_id: str, run_id: str) -> Run | None:
    """Return a run; None when its item does not exist any more or has a newer run."""
    plan = await store.read(lambda reading: reading.plans.get(plan_id))
    item = plan.items.get(item_id)
    return item.run if item and item.run and item.run.id == run_id else None


class Runs:
    """Connects the plan engine with the runners.

    `is_gone` is whether a server, by the home of its embedded runner, does not live any more.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        runners: Mapping[str, Runner],
        clock: Clock,
        is_gone: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._store, self._engine, self.runners = store, engine, runners
        self._clock, self._is_gone = clock, is_gone
        self._unfollowed: set[str] = set()

    @property
    def courier(self) -> Courier:
        """How runs are started, resumed and cancelled. Cancelling is retried without end."""
        return Courier(self._deliver, _backoff, self._report_failure)

    async def prune(self) -> None:
        """Let the runners delete outputs whose retention has ended."""
        for runner in self.runners.values():
            if isinstance(runner, Embedded):
                await runner.prune()

    async def poll(self) -> None:
        """Request the status of every run that has not ended, or may run again: pushes may be lost.

        A run in this process that was cancelled through another server is cancelled here.
        """
        for plan_id, item in await self._store.read(watched_runs):
            await self.follow(plan_id, item)
        for runner in self.runners.values():
            for plan_id, item_id, run_id in runner.active_runs() if isinstance(runner, Embedded) else ():
                if await self._is_cancelled(plan_id, item_id, run_id):
                    await runner.cancel(run_id, "")

    async def follow(self, plan_id: str, item: Item) -> None:
        """Request the status of an item's run from its runner and record it, unless the run is starting.

        For a run that has failed only a new run is recorded: a retry that could not start has the id of the run before.
        """
        runner, run = self.runners.get(item.runner), item.run
        if run is None or run.status is RunStatus.STARTING:
            return
        if runner is None:
            self._log_unfollowed(item, run)
            return
        try:
            order = await self._make_order(plan_id, item.id, run.id)
            if self._may_begin(runner, run) and await self._refuse_if_changed(plan_id, item.id, run.id):
                return
            report = await runner.status(run.id, run.external_id, order) or self._judge_other(runner, run)
            if report and not (run.status in _FAILED and report.status in (*_FAILED, RunStatus.UNKNOWN)):
                await report_run(self._engine, plan_id, item.id, report)
        except FabuError as error:
            log.info("the status of a run of %s cannot be requested: %s", item.runner, error)

    def _judge_other(self, runner: Runner, run: Run) -> RunReport | None:
        """Return the report on a run of another server: `unknown` when that is gone, otherwise none."""
        if not isinstance(runner, Embedded) or not self._is_gone(runner.home_of(run.external_id)):
            return None
        return RunReport(run.id, RunStatus.UNKNOWN, message=_SERVER_GONE)

    def _may_begin(self, runner: Runner, run: Run) -> bool:
        """Return whether a question about a run may begin it: a server that stopped may have left it in its queue."""
        return (
            isinstance(runner, Embedded)
            and not run.status.ended
            and all(run.id != run_id for *_, run_id in runner.active_runs())
        )

    async def _refuse_if_changed(self, plan_id: str, item_id: str, run_id: str) -> bool:
        """End a run that is not what was approved, and return whether it was: then nothing may start it."""

        def check(reading: Reading) -> tuple[Message | None, bool]:
            plan = reading.plans.get(plan_id)
            item = plan.items.get(item_id)
            if item is None or item.run is None or item.run.id != run_id or item.run.status.ended:
                return None, False  # withdrawn meanwhile
            return find_mismatch(reading, plan, item, self._engine.has_written), is_reported(reading, plan_id)

        reason, reported = await self._store.read(check)
        if reason is None:
            return False
        log.error("run %s of plan %s was not started: %s", run_id, plan_id, reason)
        command = c.RefuseRun(plan_id=plan_id, item_id=item_id, run_id=run_id, reason=reason, alarms=not reported)
        await self._engine.execute(command, RUNNER)
        return True

    def _log_unfollowed(self, item: Item, run: Run) -> None:
        """Log once that a run goes on whose runner is not enabled any more."""
        if not run.status.ended and run.id not in self._unfollowed:
            self._unfollowed.add(run.id)
            log.warning(
                "run %s of “%s” is not followed: the runner %s is not enabled in the settings. Enable it, or replan",
                run.external_id or run.id, item.name, item.runner,
            )  # fmt: skip

    async def _deliver(self, delivery: Delivery) -> Receipt:
        effect = delivery.effect
        runner = self._runner(effect.destination)
        match effect.payload:
            case RunStart() as payload:
                await self._start(runner, delivery, payload)
            case RunResume() as payload:
                await self._resume(runner, delivery, payload)
            case _:
                await self._cancel(runner, effect.plan_id, effect.payload_as(RunCancel))
        return Receipt()

    async def _start(self, runner: Runner, delivery: Delivery, start: RunStart) -> None:
        """Start a run and record it. When an earlier start was interrupted, look for the run instead."""
        effect = delivery.effect
        run = await self._load_run(effect.plan_id, start.item_id, start.run_id)
        if run is None or run.status is not RunStatus.STARTING:
            return  # cancelled before its start, or started by an earlier attempt
        interrupted = delivery.attempts > len(await self._load_attempts(effect)) + 1
        may_begin = not interrupted or isinstance(runner, Embedded)
        if may_begin and await self._refuse_if_changed(effect.plan_id, start.item_id, start.run_id):
            return
        order = await self._make_order(effect.plan_id, start.item_id, start.run_id)
        await self._hold(delivery)
        report = await runner.find(order) if interrupted else await _start_or_find(runner, order)
        unknown = RunReport(start.run_id, RunStatus.UNKNOWN, message=Message("the start was interrupted"))
        await self._record_start(effect.plan_id, start.item_id, report or unknown)

    async def _hold(self, delivery: Delivery) -> None:
        """Renew the claim of a delivery, right before what must not be done twice. Raises ClaimLost."""

        def renew(writing: Writing) -> bool:
            return bool(writing.outbox.renew([delivery.claim], self._clock.now() + LEASE))

        if not await self._store.write(renew):
            raise ClaimLost

    async def _record_start(self, plan_id: str, item_id: str, report: RunReport) -> None:
        """Record the report on a start, however long nothing can be saved.

        Another attempt would start the run again where the runner cannot find it. When the server stops before, the
        start was interrupted, and is looked for.
        """
        while True:
            try:
                return await report_run(self._engine, plan_id, item_id, report)
            except Unavailable as error:
                log.warning("the start of run %s cannot be recorded yet: %s", report.run_id, error)
                await asyncio.sleep(_RECORD_AGAIN)

    async def _cancel(self, runner: Runner, plan_id: str, cancel: RunCancel) -> None:
        run = await self._load_run(plan_id, cancel.item_id, cancel.run_id)
        await runner.cancel(cancel.run_id, run.external_id if run else cancel.external_id)

    async def _resume(self, runner: Runner, delivery: Delivery, resume: RunResume) -> None:
        """Resume a run, unless its item has a newer one.

        After an earlier attempt to resume it, the run may wait at another step, which nobody has approved. So a retry
        or a replay does nothing when an earlier attempt was accepted, or when the run waits again.
        """
        effect = delivery.effect
        run = await self._load_run(effect.plan_id, resume.item_id, resume.run_id)
        attempts = await self._load_attempts(effect)
        accepted = any(not attempt.error for attempt in attempts)
        if run is None or accepted or (attempts and run.status is RunStatus.WAITING):
            return
        if await self._refuse_if_changed(effect.plan_id, resume.item_id, run.id):
            return
        order = await self._make_order(effect.plan_id, resume.item_id, run.id)
        comment = ": ".join(filter(None, (resume.by, resume.comment)))
        await self._hold(delivery)
        await runner.resume(run.id, run.external_id, order, comment)

    async def _load_attempts(self, effect: Effect) -> list[Attempt]:
        return await self._store.read(lambda reading: reading.deliveries.attempts(effect.id))

    async def _load_run(self, plan_id: str, item_id: str, run_id: str) -> Run | None:
        return await _load_run(self._store, plan_id, item_id, run_id)

    async def _is_cancelled(self, plan_id: str, item_id: str, run_id: str) -> bool:
        """Return whether a run is cancelled, or its plan or item does not have it any more."""
        try:
            run = await self._load_run(plan_id, item_id, run_id)
        except NotFound:
            return True
        return run is None or run.status is RunStatus.CANCELLED

    async def _report_failure(self, delivery: Delivery, error: DeliveryError) -> None:
        """Record why a run could not be started, or waits although it was resumed."""
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

    async def _make_order(self, plan_id: str, item_id: str, run_id: str) -> RunOrder:
        def load(reading: Reading) -> tuple[Plan, Item, Workflow]:
            plan = reading.plans.get(plan_id)
            if item_id not in plan.items:  # an edit has taken it out since the run was looked up
                raise NotFound(Thing.ITEM, item_id)
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
    endless = isinstance(delivery.effect.payload, RunCancel)
    return back_off_forever(delivery) if endless or delivery.attempts < _MAX_ATTEMPTS else None


async def _start_or_find(runner: Runner, order: RunOrder) -> RunReport | None:
    """Start a run and return its report; None when it is unknown whether the run was started.

    When the response to the start is lost, the run is looked up. Raises DeliveryError when it was not started.
    """
    try:
        return await runner.start(order)
    except DeliveryError as error:
        if not error.sent:
            raise
        if error.retryable:
            return await _find(runner, order)
        return RunReport(order.run_id, RunStatus.FAILED, message=error.reason)


async def _find(runner: Runner, order: RunOrder) -> RunReport | None:
    """Return the report on a run that may have been started; None when there is none or the lookup fails."""
    try:
        return await runner.find(order)
    except DeliveryError as error:
        log.warning("it is unknown whether %s has started a run: %s", runner.name, error)
        return None
