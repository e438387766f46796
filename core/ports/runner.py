"""The port of runners: they run the workflows of items and report on the runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from core.errors import Problem
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus
from core.workflow import ReleasePlanHook, Workflow


@dataclass(frozen=True, slots=True)
class RunOrder:
    """A workflow to run, with where it comes from. Fabu makes a new `run_id` for every attempt.

    `previous` is the runner's id of the last attempt, if there was one, for runners that reopen it on a retry.
    `requested_at` is when the attempt was requested: its run at the runner is not older.
    """

    run_id: str
    plan_id: str
    plan_number: int
    plan_name: str
    item_id: str
    item_name: str
    attempt: int
    project: str
    workflow: Workflow
    actor: str
    previous: str = ""
    requested_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The text by which an attempt is found again in the runner's own system."""
        return f"fabu-{self.plan_number}-{self.item_id}-{self.attempt}"


def parse_reference(text: str) -> tuple[str, str, int] | None:
    """Return the plan's number, the item's id and the attempt of a `RunOrder.reference`; None for another text."""
    match = re.fullmatch(r"fabu-(\d+)-([^-]+)-(\d+)", text)
    return (match[1], match[2], int(match[3])) if match else None


@dataclass(frozen=True, slots=True)
class RunReport:
    """The report of a runner on an attempt."""

    run_id: str
    status: RunStatus
    external_id: str = ""
    url: str = ""
    message: Message = NO_MESSAGE


@dataclass(frozen=True, slots=True)
class RunPush:
    """A push of a runner's system about a run. It may come late, twice or never: Fabu then requests the status."""

    external_id: str


class Runner(Protocol):
    """Runs workflows. Items refer to it by `name`; all calls raise DeliveryError when it cannot be reached."""

    name: str

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Return what this runner cannot run, each with the path in the workflow. Pure: no I/O."""
        ...

    async def start(self, order: RunOrder) -> RunReport:
        """Start an attempt and return at once; when its `run_id` was started before, return the report on that run."""
        ...

    async def find(self, order: RunOrder) -> RunReport | None:
        """Return the report on an attempt whose start was interrupted; None when it did not start, or when unknown."""
        ...

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport | None:
        """Return the report on an attempt: `unknown` when the runner has lost it, None when another server has it."""
        ...

    async def cancel(self, run_id: str, external_id: str) -> None:
        """Stop an attempt; one that has ended stays as it is."""
        ...

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        """Resume an attempt that waits for a person; one that does not wait stays as it is.

        Raises DeliveryError, with what people have to do instead, when the runner is not able to resume.
        """
        ...

    async def close(self) -> None:
        """Stop the runs inside this process, or close connections."""
        ...


@runtime_checkable
class Pushing(Protocol):
    """A runner whose system pushes the changes of runs, so that they are known before the next poll."""

    def parse_push(self, body: bytes, headers: Mapping[str, str]) -> RunPush | ReleasePlanHook | None:
        """Verify and parse a push; None for one that concerns no plan. The keys of `headers` ignore case.

        Raises Unauthorized when it does not prove its sender, Invalid when it cannot be parsed.
        """
        ...

    async def reference_of(self, external_id: str) -> str:
        """Return the `RunOrder.reference` that the system has stored with a run; empty when there is none.

        Raises DeliveryError when the system cannot be reached.
        """
        ...


@runtime_checkable
class Embedded(Protocol):
    """A runner whose runs are in this process, and whose outputs are stored on this machine."""

    def home(self) -> str:
        """Return the id of the place with the runs and outputs, which outlives the process; empty when it has none."""
        ...

    def home_of(self, external_id: str) -> str:
        """Return the home of a run by the runner's id of it; empty when that does not tell."""
        ...

    def active_runs(self) -> list[tuple[str, str, str]]:
        """Return the ids of the plan, the item and the attempt of every run that is active in this process."""
        ...

    def output(self, run_id: str) -> str:
        """Return the readable, masked output of a run so far; empty when there is none."""
        ...

    async def prune(self) -> None:
        """Delete outputs that are older than the settings keep them."""
        ...
