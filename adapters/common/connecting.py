"""Whether a system can be reached: what operators read about it in the log, and why a connection was not made."""

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

    `system` begins both lines. `cure` ends the warning: what an operator can look at, as in "check slack.api_url".
    """

    def __init__(self, system: str, cure: str, log: logging.Logger) -> None:
        self._system, self._cure, self._log = system, cure, log
        self._lost = False

    def lost(self, reason: object) -> None:
        """Log the reason and the cure, unless the system is lost already."""
        if not self._lost:
            self._log.warning("%s cannot be reached: %s; %s", self._system, reason, self._cure)
        self._lost = True

    def restored(self) -> None:
        """Log that the system can be reached again, if it was lost."""
        if self._lost:
            self._log.info("%s can be reached again", self._system)
        self._lost = False

    @contextmanager
    def watching(self, is_lost: Callable[[DeliveryError], bool]) -> Iterator[None]:
        """Judge by one call whether the system can be reached; a refusal, too, shows that it can.

        `is_lost` tells an error that means that nobody answered from one in an answer.
        """
        try:
            yield
        except DeliveryError as error:
            if is_lost(error):
                self.lost(error.reason)
            else:
                self.restored()
            raise
        self.restored()


def unreached(error: Exception) -> str:
    """Return why a connection was not made, in the words of the system: `Connection refused`."""
    cause: Any = getattr(error, "os_error", error)  # aiohttp puts a text of its own around it, asyncio another
    text = str(getattr(cause, "strerror", None) or cause)
    return os.strerror(cause.errno) if text.startswith("Connect call failed") else text


@asynccontextmanager
async def open_head(session: ClientSession, url: str) -> AsyncIterator[ClientResponse | str]:
    """Request the head of a URL, and give the answer, or why there is none."""
    try:
        async with session.head(url, allow_redirects=False) as answer:
            yield answer
    except TimeoutError:
        yield "no answer in time"
    except (ClientError, ValueError) as error:
        yield unreached(error)
