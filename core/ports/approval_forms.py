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
    """The status of a form.

    `reverted` was approved and then revoked by its submitter; `ended` is without a decision: withdrawn, deleted,
    expired.
    """

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVERTED = "reverted"
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
class FormTransfer:
    """An approver handed the decision in the form over to somebody else; both are the vendor's ids."""

    user: str
    to: str


@dataclass(frozen=True, slots=True)
class FormReturn:
    """An approver returned the form, to its submitter or an earlier step; `user` is the vendor's id."""

    user: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FormState:
    """The present state of a form; `reason` is why it ended.

    `votes` and `transfers` are in the order in which they happened. `voters` are the vendor's ids of all whom the form
    has asked to decide, however they came into it. `returned` is the last return of a form.
    """

    status: FormStatus
    votes: Sequence[FormVote] = ()
    reason: Message = NO_MESSAGE
    transfers: Sequence[FormTransfer] = ()
    voters: Sequence[str] = ()
    returned: FormReturn | None = None


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

    async def comment(self, form: str, text: str) -> None:
        """Add a comment to a form in the name of its submitter; nothing happens to one that does not exist any more."""
        ...

    async def cancel(self, form: str) -> None:
        """Withdraw a form in the name of its submitter; a form that has ended stays as it is."""
        ...
