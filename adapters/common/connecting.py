"""Whether an outside system can be reached: log lines for operators, and the reasons of failed connections."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession

from core.errors import DeliveryError


class Reachability:
    """Logs one warning when a system can no longer be reached, and one line when it can be reached again.

    Both lines begin with `system`. The warning ends with `cure`: what an operator can do, as in "check slack.api_url".
    """

    def __init__(self, system: str, cure: str, log: logging.Logger) -> None:
        self._system, self._cure, self._log = system, cure, log
        self._lost = False

    def mark_lost(self, reason: object) -> None:
        """Log the reason and the cure, unless the loss is logged already."""
        if not self._lost:
            self._log.warning("%s cannot be reached: %s; %s", self._system, reason, self._cure)
        self._lost = True

    def mark_restored(self) -> None:
        """Log that the system can be reached again, if its loss was logged."""
        if self._lost:
            self._log.info("%s can be reached again", self._system)
        self._lost = False

    @contextmanager
    def track(self, is_lost: Callable[[DeliveryError], bool]) -> Iterator[None]:
        """Log the loss or the return of the system by the result of one call.

        `is_lost` returns whether an error means that the system did not answer. Any other error is an answer.
        """
        try:
            yield
        except DeliveryError as error:
            if is_lost(error):
                self.mark_lost(error.reason)
            else:
                self.mark_restored()
            raise
        self.mark_restored()


def connection_failure(error: Exception) -> str:
    """Return why a connection failed, as the operating system words it: `Connection refused`."""
    cause: Any = getattr(error, "os_error", error)  # aiohttp and asyncio each wrap it in a text of their own
    text = str(getattr(cause, "strerror", None) or cause)
    return os.strerror(cause.errno) if text.startswith("Connect call failed") else text


@asynccontextmanager
async def open_head(session: ClientSession, url: str) -> AsyncIterator[ClientResponse | str]:
    """Send a HEAD request, and yield the response, or the reason why there is none."""
    try:
        async with session.head(url, allow_redirects=False) as answer:
            yield answer
    except TimeoutError:
        yield "no answer in time"
    except (ClientError, ValueError) as error:
        yield connection_failure(error)
