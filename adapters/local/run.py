"""One run: its steps, in order and each with a time limit, until one fails."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from adapters.local.isolation.base import Isolation
from adapters.local.output import OutputLog
from adapters.local.record import Record, RunFolder
from adapters.local.sessions import ProcessId
from adapters.local.settings import LocalSettings
from adapters.local.steps import Step, StepContext, StepError
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus
from core.text import format_duration

log = logging.getLogger(__name__)

_NOT_WANTED = Message("not begun: the plan does not wait for this run any more")

End = tuple[RunStatus, Message]
"""The status of a run at its end, and the reason."""


class LocalRun:
    """A run in this process: first in the queue for a slot, then running."""

    def __init__(
        self,
        folder: RunFolder,
        record: Record,
        output: OutputLog,
        steps: Sequence[Step],
        *,
        is_wanted: Callable[[], Awaitable[bool]],
        slots: asyncio.Semaphore,
        settings: LocalSettings,
        isolation: Isolation,
        grace: float,
    ) -> None:
        self.folder = folder
        self.record = record
        self.left_in_queue = False
        self._output = output
        self._is_wanted = is_wanted
        self._settings = settings
        self._isolation = isolation
        self._grace = grace
        self._reason = NO_MESSAGE
        self._work = asyncio.create_task(self._run(steps, slots))

    def stop(self, reason: Message) -> None:
        """Cancel the run. A second call has no effect: the first reason counts, and the clean-up is not interrupted."""
        if not self._reason:
            self._reason = reason
            self._work.cancel()

    def leave(self) -> None:
        """Remove a run from the queue, so that the next server can take it over."""
        self.left_in_queue = True
        self.stop(Message("waits for the server to start again"))

    async def wait(self) -> End:
        """Wait for the end, complete the output, and return how the run ended.

        The steps run in a task of their own, so that a run that is cancelled before its first step ends like any other.
        """
        await asyncio.wait({self._work})
        if self._work.cancelled():
            status, detail = RunStatus.CANCELLED, self._reason
        elif isinstance(error := self._work.exception(), OSError):
            log.error("run %s has failed: %s", self.folder.run_id, error)
            status, detail = RunStatus.FAILED, Message("this server has a problem: {error}", {"error": str(error)})
        elif error:
            log.error("run %s has failed", self.folder.run_id, exc_info=error)
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
                self._output.write_line(last_line)
        except OSError:
            log.exception("the output of run %s is not complete", self.folder.run_id)

    async def _run(self, steps: Sequence[Step], slots: asyncio.Semaphore) -> End:
        if slots.locked():
            self._output.write_line("== waiting for other runs to end")
        async with slots:
            for number, step in enumerate(steps, 1):
                if not await self._is_wanted():
                    return RunStatus.CANCELLED, _at_step(step, _NOT_WANTED)
                self._save(replace(self.record, begun=True))
                self._output.write_line(f"== {step.name}")
                try:
                    async with asyncio.timeout(step.timeout):
                        await step.run(self._context(number))
                except TimeoutError:
                    limit = format_duration(timedelta(seconds=step.timeout))
                    return RunStatus.TIMEOUT, _at_step(step, Message("not done within {duration}", {"duration": limit}))
                except StepError as error:
                    return RunStatus.FAILED, _at_step(step, error.reason)
        return RunStatus.PASSED, NO_MESSAGE

    def _context(self, number: int) -> StepContext:
        return StepContext(
            number, self.folder, self._output, self._settings, self._isolation, self._grace, self._save_session
        )

    def _save_session(self, session: ProcessId | None) -> None:
        self._save(replace(self.record, session=session))

    def _save(self, record: Record) -> None:
        self.folder.save(record)
        self.record = record


def _at_step(step: Step, what: Message) -> Message:
    return Message("{place}: {what}", {"place": step.name, "what": what})
