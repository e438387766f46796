"""When an error of a chat is a refusal, whose cause somebody has to mend."""

from __future__ import annotations

from typing import Final

from core.errors import DeliveryError

ATTEMPTS: Final = 5
"""After so many attempts an error of unknown meaning is taken for a refusal."""


def is_refusal(error: DeliveryError, attempt: int) -> bool:
    """Return whether somebody has to mend the cause of an error; one that is not known is given a few attempts.

    `attempt` counts the attempts since the last success, the present one included.
    """
    return not error.retryable or (not error.known and attempt >= ATTEMPTS)
