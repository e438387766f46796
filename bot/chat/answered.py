"""Recognizes messages that a vendor delivers again, so that each message is answered once."""

from __future__ import annotations

from typing import Final

REMEMBERED: Final = 10_000
"""How many messages are remembered; the oldest are forgotten first."""


class AnsweredMessages:
    """The keys of the last messages that this process has answered, or is answering.

    That each command is executed once, in all processes, is ensured by the engine.
    """

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    def add(self, key: str) -> bool:
        """Remember a message. Return False when it is remembered already, so that it needs no answer."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > REMEMBERED:
            del self._keys[next(iter(self._keys))]
        return True

    def forget(self, key: str) -> None:
        """Forget a message that could not be handled: it is answered when it is delivered again."""
        self._keys.pop(key, None)
