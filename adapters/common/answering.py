"""Answers in time: what a vendor cannot wait for is acknowledged, goes on, and follows as a message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from core.errors import DeliveryError, FabuError

log = logging.getLogger(__name__)

ANSWER_WITHIN: Final = 1.5
"""Seconds for an answer. Slack and Feishu give up after 3, DingTalk after 2; the way there and back takes time, too."""
GRACE: Final = 10.0
"""Seconds to finish what was begun, when Fabu stops."""

T = TypeVar("T")


class Answering:
    """Keeps track of what was begun for the users of one chat, until it is finished. `chat` names the vendor."""

    def __init__(self, chat: str, within: float = ANSWER_WITHIN) -> None:
        self._chat, self._within = chat, within
        self._going: set[asyncio.Future[Any]] = set()

    async def answer(self, work: Awaitable[T], follow_up: Callable[[T], Awaitable[None]]) -> T | None:
        """Return the result of some work if it is there in time; if not, None now, and `follow_up` gets it later.

        Raises what the work raises in time.
        """
        task = self._keep(work)
        done, _ = await asyncio.wait({task}, timeout=self._within)
        if done:
            return task.result()
        self.start(_follow_up(task, follow_up))
        return None

    def start(self, work: Awaitable[None]) -> None:
        """Begin some work that no answer waits for. A failure is logged: there is nobody else to tell."""
        self._keep(work).add_done_callback(self._report)

    async def run(self, work: Awaitable[None]) -> None:
        """Do some work of which the answer says nothing. It goes on after the time for answers; a failure is logged."""
        task = self._keep(work)
        task.add_done_callback(self._report)
        await asyncio.wait({task}, timeout=self._within)

    async def finish(self, grace: float = GRACE) -> None:
        """Wait until everything that was begun is done, and give up what is not within the grace (seconds)."""
        try:
            async with asyncio.timeout(grace):
                while self._going:
                    await asyncio.wait(self._going)
        except TimeoutError:
            log.warning(
                "of what was begun for %s users, %d took too long and is given up", self._chat, len(self._going)
            )
            for task in self._going:
                task.cancel()

    def _keep(self, work: Awaitable[T]) -> asyncio.Future[T]:
        task = asyncio.ensure_future(work)
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return task

    def _report(self, task: asyncio.Future[None]) -> None:
        error = None if task.cancelled() else task.exception()
        match error:
            case None:
                pass
            case DeliveryError():
                log.warning("an answer did not reach its %s user: %s", self._chat, error)
            case FabuError():
                log.warning("what was begun for a %s user was not done: %s", self._chat, error)
            case _:
                log.error("what was begun for a %s user has failed", self._chat, exc_info=error)


async def _follow_up(task: asyncio.Future[T], follow_up: Callable[[T], Awaitable[None]]) -> None:
    await follow_up(await task)
