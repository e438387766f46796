"""One run: its steps in order, each with its time limit, until one does not pass."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from adapters.local.output import OutputLog
from adapters.local.record import Record, RunFolder
from adapters.local.sessions import ProcessId
from adapters.local.settings import LocalSettings
from adapters.local.steps import Step, StepFailed, Workplace
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus
from core.text import format_duration

log = logging.getLogger(__name__)

End = tuple[RunStatus, Message]
"""How a run ended, and why."""


class LocalRun:
    """A run in this process: queued for one of the slots, then going on."""

    def __init__(
        self,
        folder: RunFolder,
        record: Record,
        output: OutputLog,
        steps: Sequence[Step],
        *,
        slots: asyncio.Semaphore,
        settings: LocalSettings,
        grace: float,
    ) -> None:
        self.folder = folder
        self.record = record
        self.left = False
        self._output = output
        self._settings = settings
        self._grace = grace
        self._reason = NO_MESSAGE
        self._work = asyncio.create_task(self._run(steps, slots))

    def stop(self, reason: Message) -> None:
        """Cancel the run. Only the first reason counts, and the clean-up is not disturbed by a second one."""
        if not self._reason:
            self._reason = reason
            self._work.cancel()

    def leave(self) -> None:
        """Give up the place in the queue: what has not begun is for the next server to run."""
        self.left = True
        self.stop(Message("waits for the server to start again"))

    async def ended(self) -> End:
        """Wait for the end and return it; the output is complete then.

        The work is a task of its own, so that a run which is cancelled before its first step ends like any other.
        """
        await asyncio.wait({self._work})
        if self._work.cancelled():
            status, detail = RunStatus.CANCELLED, self._reason
        elif error := self._work.exception():
            log.error("run %s broke off", self.folder.run_id, exc_info=error)
            status, detail = RunStatus.FAILED, Message.verbatim(str(error))
        else:
            status, detail = self._work.result()
        detail = detail.with_texts_changed(self._output.mask)
        self._close_output(f"== {status}: {detail}" if detail else f"== {status}")
        await asyncio.to_thread(shutil.rmtree, self.folder.work, ignore_errors=True)
        return status, detail

    def _close_output(self, last_line: str) -> None:
        try:
            with closing(self._output):
                self._output.line(last_line)
        except OSError:
            log.exception("the output of run %s is not complete", self.folder.run_id)

    async def _run(self, steps: Sequence[Step], slots: asyncio.Semaphore) -> End:
        if slots.locked():
            self._output.line("== waiting for other runs to end")
        async with slots:
            self._note(replace(self.record, begun=True))
            for number, step in enumerate(steps, 1):
                self._output.line(f"== {step.name}")
                try:
                    async with asyncio.timeout(step.timeout):
                        await step.run(self._workplace(number))
                except TimeoutError:
                    limit = format_duration(timedelta(seconds=step.timeout))
                    return RunStatus.TIMEOUT, _at(step, Message("not done within {duration}", {"duration": limit}))
                except StepFailed as failure:
                    return RunStatus.FAILED, _at(step, failure.reason)
        return RunStatus.PASSED, NO_MESSAGE

    def _workplace(self, number: int) -> Workplace:
        return Workplace(number, self.folder, self._output, self._settings, self._grace, self._note_session)

    def _note_session(self, session: ProcessId | None) -> None:
        self._note(replace(self.record, session=session))

    def _note(self, record: Record) -> None:
        self.folder.save(record)
        self.record = record


def _at(step: Step, what: Message) -> Message:
    return Message("{place}: {what}", {"place": step.name, "what": what})
