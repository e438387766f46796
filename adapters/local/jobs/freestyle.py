"""Jobs of type `freestyle`: a bash script."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from adapters.local.script import run_script
from adapters.local.settings import LocalSettings
from adapters.local.steps import (
    JobKind,
    StepContext,
    StepError,
    parse_timeout,
    repo_problem,
    timeout_problems,
    variable_problems,
    variable_value,
)
from core.errors import Problem
from core.messages import Message
from core.workflow import FreestyleSpec


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A step that runs a bash script; `timeout` is in seconds."""

    name: str
    script: str
    variables: Mapping[str, str]
    timeout: float

    async def run(self, context: StepContext) -> None:
        """Run the script in the folder of the run. Raises StepError unless the exit code is 0."""
        code = await run_script(
            context.folder.add_script(context.number, self.script),
            folder=context.folder.work,
            variables=self.variables,
            grace=context.grace,
            on_start=context.save_session,
            write=context.output.write,
            isolation=context.isolation,
        )
        if code:
            raise StepError(_ending(code))


def _ending(code: int) -> Message:
    """Return how a script ended; as in `subprocess`, a code below 0 is a signal."""
    if code < 0:
        return Message("ended by {signal}", {"signal": signal.Signals(-code).name})
    return Message("exit code {code}", {"code": code})


def _problems(spec: FreestyleSpec, path: str, _: LocalSettings) -> Iterator[Problem]:
    for name in ("freestyle_type", "services"):
        if getattr(spec, name):
            yield Problem(f"{path}.{name}", "the local runner runs a script once, not for services; leave this empty")
    for name in ("repos", "ref_repos"):
        if getattr(spec, name):
            yield repo_problem(f"{path}.{name}")
    if not spec.script.strip():
        yield Problem(f"{path}.script", "write the bash script to run")
    yield from timeout_problems(f"{path}.timeout", spec.timeout)
    yield from variable_problems(f"{path}.envs", [variable.key for variable in spec.envs])


def _step(spec: FreestyleSpec, name: str, common: Mapping[str, str]) -> ScriptStep:
    variables = {**common, **{variable.key: variable_value(variable) for variable in spec.envs}}
    return ScriptStep(name, spec.script, variables, parse_timeout(spec.timeout).total_seconds())


KIND = JobKind(_problems, _step)
