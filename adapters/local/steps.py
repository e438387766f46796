"""The interface between job types and the local runner: job kinds, steps, and the context of a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from adapters.local.isolation.base import Isolation
from adapters.local.output import OutputLog
from adapters.local.record import RunFolder
from adapters.local.sessions import ProcessId
from adapters.local.settings import LocalSettings
from core.errors import Problem
from core.messages import Message
from core.text import parse_duration
from core.workflow import KeyVal, Param, Wire

DEFAULT_TIMEOUT = timedelta(hours=1)
"""The time limit of a job without one."""
_MAX_TIMEOUT = timedelta(days=7)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = re.compile(
    r"""(BASH|FABU_|GLIBC_|LD_|MALLOC_).*
    | CDPATH | ENV | FPATH | GLOBIGNORE | HOME | IFS | PATH | POSIXLY_CORRECT | PROMPT_COMMAND | PS4 | SHELL | SHELLOPTS
    | ZDOTDIR
    | _ | EUID | OLDPWD | PPID | PWD | SHLVL | UID
    | HOSTALIASES | LOCALDOMAIN | NLSPATH | RES_OPTIONS
    | JAVA_TOOL_OPTIONS | NODE_OPTIONS | PERL5DB | PERL5LIB | PERL5OPT | PERLLIB | PYTHONHOME
    | PYTHONINSPECT | PYTHONPATH | PYTHONSTARTUP | PYTHONUSERBASE | RUBYLIB | RUBYOPT""",
    re.VERBOSE,
)
"""By variables of these names a value becomes code or changes which programs run (sudo removes most of them too), or
bash or Fabu sets them itself."""

S = TypeVar("S", bound=Wire)


@dataclass(frozen=True, slots=True)
class StepContext:
    """What the runner passes to a step.

    `number` is the position of the step in its run, from 1. A step that is cancelled may clean up for `grace` seconds.
    `save_session` saves the running session of processes, None for none.
    """

    number: int
    folder: RunFolder
    output: OutputLog
    settings: LocalSettings
    isolation: Isolation
    grace: float
    save_session: Callable[[ProcessId | None], None]


class Step(Protocol):
    """One job of a run."""

    @property
    def name(self) -> str:
        """The name for people: `stage/job`."""
        ...

    @property
    def timeout(self) -> float:
        """The time limit, in seconds."""
        ...

    async def run(self, context: StepContext) -> None:
        """Run the job; on cancellation, roll back or end it. Raises StepError."""
        ...


class StepError(Exception):
    """A step has failed, for a reason."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(str(reason))


@dataclass(frozen=True, slots=True)
class JobKind(Generic[S]):
    """A job type: how its specs are checked, and turned into steps.

    `problems` takes a spec, its path in the workflow, and the settings. `step` takes a spec without problems, the name
    of the step, and the environment variables of the run.
    """

    problems: Callable[[S, str, LocalSettings], Iterable[Problem]]
    step: Callable[[S, str, Mapping[str, str]], Step]


def variable_problems(path: str, names: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each name that is not valid for a variable of a script."""
    for index, name in enumerate(names):
        params: dict[str, object] = {"name": name}
        place = f"{path}[{index}]"
        if not _NAME.fullmatch(name):
            yield Problem(place, "{name} cannot name a variable; use letters, digits and underscores", params)
        elif _RESERVED.fullmatch(name):
            yield Problem(
                place, "{name} changes how scripts run, or is set by Fabu itself; choose another name", params
            )


def variable_value(variable: KeyVal | Param) -> str:
    """Return the value of a variable for scripts: what was written, chosen (joined by commas), or else its default."""
    if chosen := variable.value or ",".join(variable.choice_value):
        return chosen
    return variable.default if isinstance(variable, Param) and "value" not in variable.model_fields_set else ""


def repo_problem(path: str) -> Problem:
    """Return the problem of a field that names repositories."""
    return Problem(path, "the local runner checks out no repositories; let the script do it, and leave this out")


def parse_timeout(text: str) -> timedelta:
    """Return the time limit of a job; `DEFAULT_TIMEOUT` for an empty text.

    Raises ValueError when the text is no duration, or one that is out of range.
    """
    timeout = parse_duration(text) if text.strip() else DEFAULT_TIMEOUT
    if not timedelta(0) < timeout <= _MAX_TIMEOUT:
        raise ValueError("out of range")
    return timeout


def timeout_problems(path: str, text: str) -> Iterator[Problem]:
    """Yield a problem if a text is no time limit of a job."""
    try:
        parse_timeout(text)
    except ValueError:
        yield Problem(path, "write a duration of up to 7 days, such as 90s, 10m or 1h30m")
