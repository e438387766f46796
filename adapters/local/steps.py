"""What all job types of the local runner have in common: what their jobs become, and what these run with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from adapters.local.output import OutputLog
from adapters.local.record import RunFolder
from adapters.local.sessions import ProcessId
from adapters.local.settings import LocalSettings
from core.errors import Problem
from core.messages import Message
from core.text import parse_duration
from core.workflow import Wire

DEFAULT_TIMEOUT = timedelta(hours=1)
_LONGEST = timedelta(days=7)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

S = TypeVar("S", bound=Wire)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a step runs with.

    `number` is the step's place in its run, from 1. What is stopped may clean up for `grace` seconds. `note_session`
    records which session of processes is going on, None for none.
    """

    number: int
    folder: RunFolder
    output: OutputLog
    settings: LocalSettings
    grace: float
    note_session: Callable[[ProcessId | None], None]


class Step(Protocol):
    """One job of a run, ready to be run."""

    @property
    def name(self) -> str:
        """What people know it by: `stage/job`."""
        ...

    @property
    def timeout(self) -> float:
        """How long it may take, in seconds."""
        ...

    async def run(self, workplace: Workplace) -> None:
        """Do the job; on cancellation, undo or end what was begun. Raises StepFailed."""
        ...


class StepFailed(Exception):
    """A step did not do what it should, for a reason."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(str(reason))


@dataclass(frozen=True, slots=True)
class JobKind(Generic[S]):
    """A job type: what its specs must fulfil, and the step that a spec becomes.

    `problems` is called with a spec, its path in the workflow and the settings; `step` with a spec without problems,
    the name of the step, and the variables that the run gives to scripts.
    """

    problems: Callable[[S, str, LocalSettings], Iterable[Problem]]
    step: Callable[[S, str, Mapping[str, str]], Step]


def name_problems(path: str, names: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each name that no variable of a script can have."""
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            yield Problem(
                f"{path}[{index}]", "{name} cannot name a variable; use letters, digits and underscores", {"name": name}
            )


def parse_timeout(text: str) -> timedelta:
    """Return how long a job may take, an hour if it does not say.

    Raises ValueError when it is no duration, or none that makes sense.
    """
    timeout = parse_duration(text) if text.strip() else DEFAULT_TIMEOUT
    if not timedelta(0) < timeout <= _LONGEST:
        raise ValueError("out of range")
    return timeout
