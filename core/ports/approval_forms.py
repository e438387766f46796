"""The port of the vendors' own approval forms: a stage that is decided in the vendor's app, followed from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.plan import Decision, Rule


class FormStatus(StrEnum):
    """How a form stands; `ended` is over without a decision: withdrawn, deleted, reverted, expired."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class FormOrder:
    """What a form is to show, and who decides it. `key` is ours and new for every stage and revision.

    `lines` are the plan's content as labels with values, in the language of the installation. `submitter` and
    `approvers` are the vendor's user ids; `rule` says how many of them must approve.
    """

    key: str
    plan_id: str
    plan_number: int
    title: str
    lines: Sequence[tuple[str, str]]
    url: str
    submitter: str
    approvers: Sequence[str]
    rule: Rule = "all"


@dataclass(frozen=True, slots=True)
class FormVote:
    """What one approver decided in the form; `user` is the vendor's id."""

    user: str
    decision: Decision
    comment: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FormState:
    """A form as the vendor shows it now, its votes in the order they were given; `reason` says why it ended."""

    status: FormStatus
    votes: Sequence[FormVote] = ()
    reason: str = ""


class ApprovalForms(Protocol):
    """The approval forms of one vendor. Every method raises DeliveryError when the vendor does not take the call."""

    name: str
    """The channel of the stages that it serves: `feishu_instance` or `dingtalk_instance`."""

    async def start(self, order: FormOrder) -> str:
        """Submit a form and return its id. A form that was submitted under the same `key` is found, not repeated."""
        ...

    async def state(self, form: str) -> FormState:
        """Ask how a form stands."""
        ...

    async def cancel(self, form: str, user: str) -> None:
        """Withdraw a form in the name of its submitter; one that is over already is left alone."""
        ...
