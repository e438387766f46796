"""The job that runs a script. Source: Zadig v4.0 document, `WorkflowFreestyleJobSpec`, and Fabu's local runner."""

from __future__ import annotations

from typing import Annotated, Literal

from core.workflow.base import OMIT_EMPTY, Flag, Many, NullIsZero, Text, Wire
from core.workflow.job import Job, JobType
from core.workflow.values import KeyVal, Repo


class FreestyleService(Wire):
    """Repositories and variables of one service."""

    service_name: Text = ""
    service_module: Text = ""
    repos: Many[Repo] = ()
    key_vals: Many[KeyVal] = ()


class FreestyleSpec(Wire):
    """What to run: over `services` when `freestyle_type` is `service_freestyle`, else once with `repos` and `envs`."""

    freestyle_type: Text = ""
    source: Text = ""
    job_name: Text = ""
    ref_repos: Flag = False
    repos: Many[Repo] = ()
    envs: Many[KeyVal] = ()
    services: Many[FreestyleService] = ()
    script: Annotated[Text, OMIT_EMPTY] = ""
    """Bash text; only the local runner reads it, Zadig has no such field."""
    timeout: Annotated[Text, OMIT_EMPTY] = ""
    """A duration such as `10m`; only the local runner reads it."""


class FreestyleJob(Job):
    """Runs a script."""

    type: Literal[JobType.FREESTYLE] = JobType.FREESTYLE
    spec: Annotated[FreestyleSpec, NullIsZero()] = FreestyleSpec()
