"""The port of runners: what starts the workflow of an item and reports on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from core.errors import Problem
from core.status import RunStatus
from core.workflow import ReleasePlanHook, Workflow


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What a runner is to run. `run_id` is ours and new for every attempt; `reference` tells people where it is from.

    `previous` is the runner's id of the last attempt, if there was one, for runners that reopen it on a retry.
    `requested_at` is when the attempt was asked for: nothing that the runner knows of it is older.
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
    """Return the number of the plan, the item and the attempt of a `RunOrder.reference`; None when it is none."""
    match = re.fullmatch(r"fabu-(\d+)-([^-]+)-(\d+)", text)
    return (match[1], match[2], int(match[3])) if match else None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a runner knows about an attempt."""

    run_id: str
    status: RunStatus
    external_id: str = ""
    url: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class RunPush:
    """What a runner's system sends about a run. It may come late, twice or never: it is a reason to ask, no more."""

    external_id: str


class Runner(Protocol):
    """Runs workflows. `name` is what items call it by; all calls raise DeliveryError when it cannot be reached."""

    name: str

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Return what this runner cannot run, each with the path in the workflow. Pure: no I/O."""
        ...

    async def start(self, order: RunOrder) -> RunReport:
        """Start an attempt and return at once. An earlier call with the same `run_id` is found, not repeated."""
        ...

    async def find(self, order: RunOrder) -> RunReport | None:
        """Look for an attempt whose start was interrupted; None when it did not happen or cannot be told."""
        ...

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport | None:
        """Ask how an attempt stands; `unknown` when the runner has lost it, None when only another server can tell."""
        ...

    async def cancel(self, run_id: str, external_id: str) -> None:
        """Stop an attempt; one that has ended already is left alone."""
        ...

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        """Let an attempt go on that waits for a person; one that does not wait (any more) is left alone.

        Raises DeliveryError with what has to be done instead when that is not in the runner's power.
        """
        ...

    async def close(self) -> None:
        """Stop what runs inside this process, or give up connections."""
        ...


@runtime_checkable
class Pushing(Protocol):
    """A runner whose system sends what happens, so that nobody has to wait for the next poll."""

    def parse_push(self, body: bytes, headers: Mapping[str, str]) -> RunPush | ReleasePlanHook | None:
        """Prove and read a push; None for one that concerns nobody here. `headers` are looked up whatever their case.

        Raises Unauthorized when it does not prove who sent it, Invalid when it cannot be read.
        """
        ...

    async def reference_of(self, external_id: str) -> str:
        """Return the `RunOrder.reference` that the system keeps of a run; empty when there is none.

        Raises DeliveryError when the system cannot be asked.
        """
        ...


@runtime_checkable
class Embedded(Protocol):
    """A runner whose runs are in this process, and whose outputs are kept on this machine."""

    def active_runs(self) -> list[tuple[str, str, str]]:
        """Return plan, item and attempt of everything that goes on here."""
        ...

    def output(self, run_id: str) -> str:
        """Return the readable, masked output of a run so far; empty when there is none."""
        ...

    async def prune(self) -> None:
        """Remove outputs that have been kept for long enough."""
        ...
