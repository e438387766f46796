"""The local runner (`core.ports.runner.Runner`): it runs workflows of scripts and SQL on the server's machine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from adapters.common.adapter import ReportHandler, WantedCheck, always_wanted
from adapters.common.settings import UnusableSetting
from adapters.local.isolation.base import Isolation
from adapters.local.jobs import find_problems, make_steps
from adapters.local.output import OutputLog
from adapters.local.outputs import Outputs
from adapters.local.record import Record, RunFolder
from adapters.local.run import LocalRun
from adapters.local.sessions import ProcessId, end_session
from adapters.local.settings import LocalSettings
from core.errors import DeliveryError, FabuError, Invalid, Problem
from core.messages import Message
from core.ports.runner import RunOrder, RunReport
from core.status import RunStatus
from core.workflow import Workflow, credentials

log = logging.getLogger(__name__)

_SAVE_AGAIN = 5.0
"""Seconds after which the end of a run is saved again on a disk that was full: without it, the run would go on."""
_CANCELLED = Message("cancelled with its plan")

GRACE = 10.0
"""Seconds that a stopped run may take to clean up."""
DRAIN = 30.0
"""Seconds that a stopping server waits for runs to end, before it cancels them."""


class LocalRunner:
    """Runs a few workflows at the same time, and reports the end of each run.

    A run is started at most once: after a crash of the server, its status is `unknown` until a person retries or skips.
    A run that was still in the queue is queued again when its status is requested.
    """

    name = "local"

    def __init__(
        self,
        settings: LocalSettings,
        work_dir: Path,
        report: ReportHandler,
        isolation: Isolation,
        *,
        secrets: Iterable[str] = (),
        is_wanted: WantedCheck = always_wanted,
        public_url: str = "",
        grace: float = GRACE,
        drain: float = DRAIN,
    ) -> None:
        """Store the folders of runs in `work_dir`, send their ends to `report`, and start scripts under `isolation`.

        `secrets` are masked in outputs, as are the passwords of databases. `is_wanted` is asked before each step of a
        run. `public_url` is the base of the URLs of pages with outputs. `grace` and `drain` are in seconds.

        Raises UnusableSetting when the URL of a database cannot be read.
        """
        self._settings = settings
        passwords = [_parse_password(name, url.get_secret_value()) for name, url in settings.databases.items()]
        self._secrets = [*secrets, *passwords]
        self._outputs = Outputs(work_dir, settings.keep_outputs, self._secrets)
        self._send_report = report
        self._isolation = isolation
        self._is_wanted = is_wanted
        self._public_url = public_url
        self._grace = grace
        self._drain = drain
        self._slots = asyncio.Semaphore(settings.max_parallel)
        self._server = ProcessId.own()
        self._runs: dict[str, LocalRun] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._closed = False

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Return all problems that keep a workflow from running here, with paths inside the workflow."""
        return find_problems(workflow, self._settings)

    async def start(self, order: RunOrder) -> RunReport:
        """Start a run, or queue it; one that was started before stays as it is.

        A workflow with problems fails at once: the databases of the settings may have changed since it was checked.

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
                self._queue(folder, record, order)
        except OSError as error:
            folder.remove()
            raise self._disk_error(error) from error
        return self._report(folder, folder.load())

    async def find(self, order: RunOrder) -> RunReport | None:
        """Return the report on a run, or None if it was not started here.

        A run whose server has ended is queued again if it had not begun, and is `unknown` otherwise.
        """
        folder = self._outputs.folder(order.run_id)
        if not folder.exists():
            return None
        record = folder.load()
        if record.abandoned and not record.begun and not self._closed:
            self._queue_again(folder, order)
        await self._end_abandoned(folder)
        return self._report(folder, folder.load())

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport | None:
        """Return the report on a run, as `find` does; None if it has another home, `unknown` if it is nowhere."""
        if known := await self.find(order):
            return known
        if self.home_of(external_id) not in ("", self.home()):
            return None
        folder = self._outputs.folder(run_id)
        return self._report(folder, folder.load())

    def active_runs(self) -> list[tuple[str, str, str]]:
        """Return plan, item and identifier of every run in this process."""
        return [(run.record.plan_id, run.record.item_id, run_id) for run_id, run in self._runs.items()]

    async def cancel(self, run_id: str, external_id: str) -> None:
        """Cancel a run; its end is reported as any other. A run that has ended stays as it is."""
        if run := self._runs.get(run_id):
            run.stop(_CANCELLED)
        elif (folder := self._outputs.folder(run_id)).exists() and (left := folder.take_over(self._server)):
            folder.save(replace(left, status=RunStatus.CANCELLED, detail=_CANCELLED))

    def output(self, run_id: str) -> str:
        """Return the stored output of a run."""
        return self._outputs.read(run_id)

    async def prune(self) -> None:
        """Delete the folders of runs that ended longer ago than the settings keep them."""
        await asyncio.to_thread(self._outputs.prune, time.time())

    def home(self) -> str:
        """Return the id of the folder with the runs; empty when it is not writable."""
        return self._outputs.home()

    def home_of(self, external_id: str) -> str:
        """Return the id of the folder that a run is in."""
        return external_id.partition("@")[2]

    async def recover(self) -> None:
        """End the runs of a crashed server: stop their scripts, and report the runs as `unknown`."""
        for folder in self._outputs.all():
            await self._end_abandoned(folder)

    async def _end_abandoned(self, folder: RunFolder) -> None:
        """End a run whose server has ended since it began, and its script with it: nobody reports on it any more."""
        record = folder.load()
        if record.abandoned and record.begun and folder.run_id not in self._runs:
            if record.session and record.session.alive:
                await end_session(record.session.pid, self._grace)
            detail = Message("the server stopped while this ran; see its output, then retry or skip")
            await self._end(folder, replace(record, status=RunStatus.UNKNOWN, detail=detail, session=None))

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        """Do nothing: local runs do not wait for people."""

    async def close(self) -> None:
        """Leave queued runs for the next server; wait for the others for the drain time, then cancel them."""
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

    def _queue_again(self, folder: RunFolder, order: RunOrder) -> None:
        """Queue a run that another server left in its queue; it fails if it has problems by now.

        Raises:
            DeliveryError: the disk cannot be written.
        """
        try:
            record = folder.take_over(self._server)
            if record and (found := self.problems(order.workflow)):
                folder.save(replace(record, status=RunStatus.FAILED, detail=Invalid(*found).as_message()))
            elif record:
                self._queue(folder, record, order)
        except OSError as error:
            raise self._disk_error(error) from error

    def _disk_error(self, error: OSError) -> DeliveryError:
        reason = Message("its disk cannot be written: {error}", {"error": str(error)})
        return DeliveryError(self.name, reason, retryable=True, sent=False)

    def _queue(self, folder: RunFolder, record: Record, order: RunOrder) -> None:
        self._runs[folder.run_id] = run = LocalRun(
            folder,
            record,
            OutputLog(folder.path, [*credentials(order.workflow), *self._secrets]),
            make_steps(order.workflow, _variables(order)),
            is_wanted=partial(self._is_wanted, order.plan_id, order.item_id, order.run_id),
            slots=self._slots,
            settings=self._settings,
            isolation=self._isolation,
            grace=self._grace,
        )
        watcher = asyncio.create_task(self._watch(run))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, run: LocalRun) -> None:
        status, detail = await run.wait()
        del self._runs[run.folder.run_id]
        if run.left_in_queue:
            return
        record = replace(run.record, status=status, detail=detail, session=None)
        while not await self._end(run.folder, record):
            if self._closed or not run.folder.exists():
                return
            await asyncio.sleep(_SAVE_AGAIN)

    async def _end(self, folder: RunFolder, record: Record) -> bool:
        """Save the end, then report it; a failure of one does not prevent the other. Return whether it is saved."""
        is_saved = True
        try:
            folder.save(record)
        except OSError as error:
            is_saved = False
            log.error("the end of run %s cannot be saved: %s; make room for it", folder.run_id, error)  # noqa: TRY400
        try:
            await self._send_report(record.plan_id, record.item_id, self._report(folder, record))
        except FabuError as error:  # such as while the database is away: the status is requested again
            log.warning("the end of run %s could not be reported: %s", folder.run_id, error)
        except Exception:
            log.exception("the end of run %s could not be reported", folder.run_id)
        return is_saved

    def _report(self, folder: RunFolder, record: Record) -> RunReport:
        run_id, url = folder.run_id, f"{self._public_url}/runs/{folder.run_id}"
        return RunReport(run_id, record.status, f"{run_id}@{self.home()}", url, record.detail)


def _parse_password(database: str, url: str) -> str:
    try:
        return str(make_url(url).password or "")
    except (ArgumentError, ValueError):
        raise UnusableSetting(f"local.databases.{database} is not the URL of a database") from None


def _variables(order: RunOrder) -> dict[str, str]:
    """Return the environment variables for scripts: the plan, the item, the attempt, and who started it."""
    return {
        "FABU_PLAN": str(order.plan_number),
        "FABU_PLAN_ID": order.plan_id,
        "FABU_ITEM": order.item_name,
        "FABU_ATTEMPT": str(order.attempt),
        "FABU_ACTOR": order.actor,
    }
