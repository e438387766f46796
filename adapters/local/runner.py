"""The embedded runner: executes workflows of scripts and SQL on the machine of the server itself."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from adapters.common.adapter import ReportHandler
from adapters.local.jobs import problems, steps
from adapters.local.output import OutputLog
from adapters.local.outputs import Outputs
from adapters.local.record import Record, RunFolder
from adapters.local.run import LocalRun
from adapters.local.sessions import ProcessId, end_session
from adapters.local.settings import LocalSettings
from core.errors import DeliveryError, Invalid, Problem
from core.messages import Message
from core.ports.runner import RunOrder, RunReport
from core.status import RunStatus
from core.workflow import Workflow, credentials

log = logging.getLogger(__name__)

_CANCELLED = Message("cancelled with its plan")

GRACE = 10.0
"""Seconds that what is stopped may take to clean up."""
DRAIN = 30.0
"""Seconds that a server which stops waits for runs to end by themselves."""


class LocalRunner:
    """Runs workflows, a few at a time, and reports when one has ended (a `core.ports.runner.Runner`).

    A run is started once for its identifier, whatever happens: after a crash it is `unknown` until a person decides.
    One that still waited for its turn is queued again as soon as somebody asks for it.
    Scripts run as the user of the server and can do what that user can; give Fabu a user of its own.
    """

    name = "local"

    def __init__(
        self,
        settings: LocalSettings,
        work_dir: Path,
        report: ReportHandler,
        *,
        shared: bool = False,
        public_url: str = "",
        grace: float = GRACE,
        drain: float = DRAIN,
    ) -> None:
        """Keep the folders of runs in `work_dir`, and give their ends to `report`.

        `shared` says that other servers have the same plans, each with a folder of its own. Below `public_url` people
        find the page with a run's output. `grace` and `drain` are in seconds.

        Raises ValueError when the URL of a database cannot be read.
        """
        self._settings = settings
        self._outputs = Outputs(work_dir, settings.keep_outputs)
        self._send_report = report
        self._shared = shared
        self._public_url = public_url
        self._grace = grace
        self._drain = drain
        self._passwords = [_password(name, url.get_secret_value()) for name, url in settings.databases.items()]
        self._slots = asyncio.Semaphore(settings.max_parallel)
        self._server = ProcessId.own()
        self._runs: dict[str, LocalRun] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._closed = False

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Return everything that this runner cannot run, with paths inside the workflow."""
        return problems(workflow, self._settings)

    async def start(self, order: RunOrder) -> RunReport:
        """Start a run, or queue it; one that was started before is left as it is.

        A workflow with `problems` fails at once: the databases of the settings may have changed since it was judged.

        Raises:
            DeliveryError: the server is stopping, or its disk cannot be written.
        """
        if known := await self.find(order):
            return known
        if found := self.problems(order.workflow):
            return RunReport(order.run_id, RunStatus.FAILED, message=Invalid(*found).as_message())
        if self._closed:
            raise DeliveryError(self.name, Message("the server is stopping"), retryable=True, sent=False)
        folder = self._outputs.folder(order.run_id)
        record = Record(
            RunStatus.RUNNING, plan_id=order.plan_id, item_id=order.item_id, server=self._server, begun=False
        )
        try:
            if folder.create(record):
                self._begin(folder, record, order)
        except OSError as error:
            folder.remove()
            raise self._unwritable(error) from error
        return self._report(folder, folder.load())

    async def find(self, order: RunOrder) -> RunReport | None:
        """Return where a run stands, or None if it was never started here; queue it again if its server left it."""
        folder = self._outputs.folder(order.run_id)
        if not folder.exists():
            return None
        record = folder.load()
        if record.abandoned and not record.begun and not self._closed:
            self._resume(folder, order)
        return self._report(folder, folder.load())

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport | None:
        """Return where a run stands, as `find` does; one that is nowhere is `unknown`.

        One that may go on at another server is its affair, until it has had more than its time.
        """
        if known := await self.find(order):
            return known
        home = external_id.partition("@")[2]
        if self._shared and home not in ("", self._outputs.home()) and _has_time(order):
            return None
        folder = self._outputs.folder(run_id)
        return self._report(folder, folder.load())

    def active_runs(self) -> list[tuple[str, str, str]]:
        """Return plan, item and identifier of every run in this process."""
        return [(run.record.plan_id, run.record.item_id, run_id) for run_id, run in self._runs.items()]

    async def cancel(self, run_id: str, external_id: str) -> None:
        """Ask a run to end, which is told as any end is. A run that is over stays as it ended."""
        if run := self._runs.get(run_id):
            run.stop(_CANCELLED)
        elif (folder := self._outputs.folder(run_id)).exists() and (left := folder.take_over(self._server)):
            folder.save(replace(left, status=RunStatus.CANCELLED, detail=_CANCELLED))

    def output(self, run_id: str) -> str:
        """Return what is kept of a run's output."""
        return self._outputs.text(run_id)

    async def prune(self) -> None:
        """Remove what is kept of runs that ended long enough ago."""
        await asyncio.to_thread(self._outputs.prune, time.time())

    async def recover(self) -> None:
        """End what a crashed server left behind: its scripts are stopped and their runs become `unknown`."""
        for folder in self._outputs.all():
            record = folder.load()
            if record.abandoned and record.begun:
                if record.session and record.session.alive:
                    await end_session(record.session.pid, self._grace)
                detail = Message("the server stopped while this ran; see its output, then retry or skip")
                await self._end(folder, replace(record, status=RunStatus.UNKNOWN, detail=detail, session=None))

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        """Do nothing: what runs here waits for nobody."""

    async def close(self) -> None:
        """Stop: what waits is left for the next server, what runs may end within the drain time, or is cancelled."""
        self._closed = True
        for run in self._runs.values():
            if not run.record.begun:
                run.leave()
        if self._watchers:
            await asyncio.wait(self._watchers, timeout=self._drain)
            for run in self._runs.values():
                run.stop(Message("server stopped"))
        if self._watchers:
            await asyncio.wait(self._watchers)

    def _resume(self, folder: RunFolder, order: RunOrder) -> None:
        """Queue a run that another server left in its queue, unless it cannot run any more.

        Raises:
            DeliveryError: the disk cannot be written.
        """
        try:
            record = folder.take_over(self._server)
            if record and (found := self.problems(order.workflow)):
                folder.save(replace(record, status=RunStatus.FAILED, detail=Invalid(*found).as_message()))
            elif record:
                self._begin(folder, record, order)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> DeliveryError:
        reason = Message("its disk cannot be written: {error}", {"error": str(error)})
        return DeliveryError(self.name, reason, retryable=True, sent=False)

    def _begin(self, folder: RunFolder, record: Record, order: RunOrder) -> None:
        self._runs[folder.run_id] = run = LocalRun(
            folder,
            record,
            OutputLog(folder.path, [*credentials(order.workflow), *self._passwords]),
            steps(order.workflow, _about(order)),
            slots=self._slots,
            settings=self._settings,
            grace=self._grace,
        )
        watcher = asyncio.create_task(self._watch(run))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, run: LocalRun) -> None:
        status, detail = await run.ended()
        del self._runs[run.folder.run_id]
        if run.left:
            return
        await self._end(run.folder, replace(run.record, status=status, detail=detail, session=None))

    async def _end(self, folder: RunFolder, record: Record) -> None:
        """Record the end, then tell it; if one of them fails, the other is still to be had."""
        try:
            folder.save(record)
        except OSError:
            log.exception("the end of run %s could not be recorded", folder.run_id)
        try:
            await self._send_report(record.plan_id, record.item_id, self._report(folder, record))
        except Exception:
            log.exception("the end of run %s was not taken", folder.run_id)

    def _report(self, folder: RunFolder, record: Record) -> RunReport:
        run_id, url = folder.run_id, f"{self._public_url}/runs/{folder.run_id}"
        return RunReport(run_id, record.status, f"{run_id}@{self._outputs.home()}", url, record.detail)


def _password(database: str, url: str) -> str:
    try:
        return str(make_url(url).password or "")
    except (ArgumentError, ValueError):
        raise ValueError(f"local.databases.{database} is not the URL of a database") from None


def _has_time(order: RunOrder) -> bool:
    """Tell whether a run may still be going on: all its steps, and an hour in a queue."""
    longest = timedelta(seconds=sum(step.timeout for step in steps(order.workflow, {})), hours=1)
    return order.requested_at is not None and datetime.now(UTC) < order.requested_at + longest


def _about(order: RunOrder) -> dict[str, str]:
    """Return the variables that tell a script for which approved plan it runs, and at whose word."""
    return {
        "FABU_PLAN": str(order.plan_number),
        "FABU_PLAN_ID": order.plan_id,
        "FABU_ITEM": order.item_name,
        "FABU_ATTEMPT": str(order.attempt),
        "FABU_ACTOR": order.actor,
    }
