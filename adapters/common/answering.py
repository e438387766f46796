"""Replies within the vendor's time limit, and by another way where the vendor does not accept the first.

Slow work is acknowledged at once, and its reply follows as a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from core.chat import Reply
from core.errors import DeliveryError, FabuError

log = logging.getLogger(__name__)

ANSWER_WITHIN: Final = 1.5
"""Seconds to answer a request. Slack and Feishu time out after 3, DingTalk after 2, both with the network included."""
GRACE: Final = 10.0
"""Seconds that work in progress may take when Fabu stops."""
PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds before each further attempt to send a reply."""
LONGEST_PAUSE: Final = 10.0
"""Seconds; when the vendor requests a longer pause, the reply is not sent again."""

T = TypeVar("T")
Send = Callable[[], Awaitable[object]]
"""Sends a reply by one way. Raises DeliveryError."""


class Answering:
    """Runs work for the users of one chat, and keeps track of it until it is finished.

    `chat` names the vendor; `within` is how many seconds an answer may take.
    """

    def __init__(self, chat: str, within: float = ANSWER_WITHIN) -> None:
        self._chat, self._within = chat, within
        self._running: set[asyncio.Future[Any]] = set()

    async def answer(self, work: Awaitable[T], follow_up: Callable[[T], Awaitable[None]]) -> T | None:
        """Return the result of `work` if it is ready in time; otherwise return None, and pass it to `follow_up` later.

        Raises what the work raises in time.
        """
        task = self._keep(work)
        done, _ = await asyncio.wait({task}, timeout=self._within)
        if done:
            return task.result()
        self.start(_follow_up(task, follow_up))
        return None

    def start(self, work: Awaitable[None]) -> None:
        """Start `work` without waiting for it. A failure is logged, as no caller is left to raise it to."""
        self._keep(work).add_done_callback(self._log_failure)

    async def run(self, work: Awaitable[None]) -> None:
        """Run `work`, and return when it is done or the time limit is over; it then goes on. A failure is logged."""
        task = self._keep(work)
        task.add_done_callback(self._log_failure)
        await asyncio.wait({task}, timeout=self._within)

    async def finish(self, grace: float = GRACE) -> None:
        """Wait until all work is done; cancel what is not done after `grace` seconds."""
        try:
            async with asyncio.timeout(grace):
                while self._running:
                    await asyncio.wait(self._running)
        except TimeoutError:
            log.warning(
                "%d requests of %s users took more than %g s to finish and are cancelled",
                len(self._running),
                self._chat,
                grace,
            )
            for task in self._running:
                task.cancel()

    def _keep(self, work: Awaitable[T]) -> asyncio.Future[T]:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _log_failure(self, task: asyncio.Future[None]) -> None:
        error = None if task.cancelled() else task.exception()
        match error:
            case None:
                pass
            case DeliveryError():
                log.warning("an answer did not reach its %s user: %s", self._chat, error)
            case FabuError():
                log.warning("a request of a %s user was not carried out: %s", self._chat, error)
            case _:
                log.error("a request of a %s user has failed", self._chat, exc_info=error)


def render_whole(render: Callable[[Reply], T], reply: Reply) -> T:
    """Return a reply as the vendor has it, without its card when that cannot be rendered: its text says what was done.

    Raises what `render` raises for a reply without a card or a text.
    """
    try:
        return render(reply)
    except Exception:
        if not (reply.card and reply.text):
            raise
        log.exception("a reply is sent without its card, which cannot be rendered")
        return render(replace(reply, card=None))


async def call_with_retries(call: Callable[[], Awaitable[T]]) -> T:
    """Call a vendor, again and again while it is busy or cannot be reached. Raises the last DeliveryError."""
    for pause in PAUSES:
        try:
            return await call()
        except DeliveryError as error:
            retry_after = error.retry_after or 0
            if not error.retryable or retry_after > LONGEST_PAUSE:
                raise
            await asyncio.sleep(max(pause, retry_after))
    return await call()


async def send_by_any(*ways: Send) -> None:
    """Send a reply by the first way that the vendor accepts, the last way with retries. Raises its DeliveryError."""
    *others, last = ways
    for send in others:
        try:
            await send()
            return
        except DeliveryError as error:
            log.info("a reply is sent by another way: %s", error)
    await call_with_retries(last)


async def _follow_up(task: asyncio.Future[T], follow_up: Callable[[T], Awaitable[None]]) -> None:
    await follow_up(await task)
