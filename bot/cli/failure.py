"""How a command fails: with a sentence that says what to do, and an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of commands: done, refused or failed, and used in a wrong way."""

    DONE = 0
    FAILED = 1
    MISUSED = 2


class Failure(Exception):
    """Ends a command. The text is one sentence that says what to do; `bot.cli` prints it to the error output."""

    def __init__(self, text: str, code: ExitCode = ExitCode.FAILED) -> None:
        self.code = code
        super().__init__(text)
