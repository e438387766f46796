"""How a command ends when it cannot do what was asked: a sentence with the cure, and an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code says: done, refused or broken, or asked in a way that cannot be understood."""

    DONE = 0
    FAILED = 1
    MISUSED = 2


class Failure(Exception):
    """Ends a command. The text is one sentence that says what to do; `bot.cli` prints it to the error output."""

    def __init__(self, text: str, code: ExitCode = ExitCode.FAILED) -> None:
        self.code = code
        super().__init__(text)
