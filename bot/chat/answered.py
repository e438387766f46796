"""Recognizes messages that a vendor delivers again, so that each message is answered once."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from core.errors import FabuError, Unavailable
from core.ports.clock import Clock
from core.ports.store import Store

log = logging.getLogger(__name__)

REMEMBERED: Final = 10_000
"""How many messages this process remembers beside the store; the oldest are forgotten first."""


class AnsweredMessages:
    """The keys of the messages that were answered, or are being answered, by all replicas.

    That each command is executed once is ensured by the engine.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._keys: dict[str, None] = {}

    async def add(self, key: str) -> bool:
        """Note a message. Return False when it is noted already, so that it needs no answer.

        While nothing can be stored, messages are known by this process alone: they are answered with the reason.
        """
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > REMEMBERED:
            del self._keys[next(iter(self._keys))]
        try:
            return await self._store.write(lambda writing: writing.requests.claim(key, self._clock.now()))
        except Unavailable as error:
            log.warning("a message may be answered again after a restart: %s", error)
            return True

    async def forget(self, key: str) -> None:
        """Forget a message that could not be handled: it is answered when it is delivered again."""
        self._keys.pop(key, None)
        with suppress(FabuError):
            await self._store.write(lambda writing: writing.requests.disclaim(key))
