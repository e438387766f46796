"""The port of the vendors' own approval forms: the approvers of a stage vote in the vendor's app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.messages import NO_MESSAGE, Message
from core.plan import Decision, Rule


class FormStatus(StrEnum):
    """The status of a form; `ended` is without a decision: withdrawn, deleted, reverted, expired."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class FormOrder:
    """The content of a form to start, and its approvers. Fabu makes a new `key` for every stage and revision.

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
    """The vote of one approver in the form; `user` is the vendor's id."""

    user: str
    decision: Decision
    comment: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FormState:
    """The present state of a form, with its votes in the order they were cast; `reason` is why it ended."""

    status: FormStatus
    votes: Sequence[FormVote] = ()
    reason: Message = NO_MESSAGE


class ApprovalForms(Protocol):
    """The approval forms of one vendor. Every method raises DeliveryError when the vendor does not accept the call."""

    name: str
    """The channel of the stages that it serves: `feishu_instance` or `dingtalk_instance`."""

    async def start(self, order: FormOrder) -> str:
        """Submit a form and return its id; the id of the first one when a form has the same `key`."""
        ...

    async def find(self, key: str) -> str:
        """Return the id of the form that was started with a key, by whomever; empty when there is none."""
        ...

    async def state(self, form: str) -> FormState:
        """Return the present state of a form."""
        ...

    async def cancel(self, form: str) -> None:
        """Withdraw a form in the name of its submitter; a form that has ended stays as it is."""
        ...
