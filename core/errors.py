"""Every error that Fabu raises on purpose.

FabuError
├── Unauthorized          the sender is not proven              401
├── Forbidden             the sender is known, without a right  403
│   ├── NotApprover
│   ├── NotYourTurn
│   └── SelfApproval
├── NotFound              404
│   └── UnknownPerson
├── Conflict              409
│   ├── WrongStatus
│   ├── AlreadyDecided
│   ├── ItemNotReady
│   │   └── ItemBlocked
│   ├── OutsideWindow
│   ├── Contradiction
│   └── OutdatedCard
├── Gone                  410
├── StaleRevision         412
├── Invalid               422, with all problems at once
├── Unavailable           503
└── DeliveryError         502, an outside system did not accept what was sent

An error carries a stable `code`, an HTTP status and parameters. `message` is the English text and the key of the
translation; the catalogue of `bot.i18n` turns it into the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


class FabuError(Exception):
    """Something went wrong that a person can understand and act on."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    message: str = "Something went wrong. Please try again."

    def __init__(self, message: str | None = None, **params: object) -> None:
        if message is not None:
            self.message = message
        self.params = params
        super().__init__(self.message.format(**params))


class Unauthorized(FabuError):
    """The request does not prove who sent it."""

    code = "unauthorized"
    http_status = 401
    message = "The request is not signed or not signed in. Sign in, or check the secret in the settings."


class Forbidden(FabuError):
    """The person is known but has no right to do this."""

    code = "forbidden"
    http_status = 403
    message = "This is not yours to do: {verb}. Ask {manager}, who is responsible for the plan."


class NotApprover(Forbidden):
    """The person is not among the approvers."""

    code = "not_approver"
    message = "You are not an approver of this plan. Stage {stage} is decided by {approvers}."


class NotYourTurn(Forbidden):
    """The person approves in another stage."""

    code = "not_your_turn"
    message = (
        "Your stage is {yours}. The plan is waiting for stage {stage} now; you will be asked when it is your turn."
    )


class SelfApproval(Forbidden):
    """The manager of a plan tried to approve it."""

    code = "self_approval"
    message = "You are responsible for this plan, so somebody else must approve it."


class NotFound(FabuError):
    """What was requested does not exist."""

    code = "not_found"
    http_status = 404
    message = "There is no {what} {ref}. Use `list` to see what there is."


class UnknownPerson(NotFound):
    """A chat user or a token belongs to nobody that Fabu knows."""

    code = "unknown_person"
    http_status = 403
    message = "Fabu does not know you yet. Ask an administrator to add {platform} user {user} to the people."


class Conflict(FabuError):
    """The request contradicts the present state."""

    code = "conflict"
    http_status = 409
    message = "Somebody else changed this at the same moment. Look at the plan and try again."


class WrongStatus(Conflict):
    """The plan does not accept the command in its present status."""

    code = "wrong_status"
    message = "The plan is now: {status}. It does not take “{verb}” in this state."


class AlreadyDecided(Conflict):
    """The person has voted in this stage already."""

    code = "already_decided"
    message = "You have decided already: {decision}. It counts once."


class ItemNotReady(Conflict):
    """The item does not accept the command in its present status."""

    code = "item_not_ready"
    message = "“{item}” is {status}. It does not take “{verb}” now."


class ItemBlocked(ItemNotReady):
    """Items that must come first are not complete."""

    code = "item_blocked"
    message = "“{item}” has to wait for: {needs}."


class OutsideWindow(Conflict):
    """The release window is not open."""

    code = "outside_window"
    message = "The release window is closed: it is open from {start} to {end}."


class Contradiction(Conflict):
    """A callback contradicts an earlier one."""

    code = "contradiction"
    message = "This check was answered already, with another result: {result}."


class OutdatedCard(Conflict):
    """The clicked card shows an older revision of the plan."""

    code = "outdated_card"
    message = "This card is out of date. Here is the plan as it is now."


class Gone(FabuError):
    """The request concerns something that has ended for good."""

    code = "gone"
    http_status = 410
    message = "This request is over. Look at the plan for its present state."


class StaleRevision(FabuError):
    """The caller edited an older revision than the present one."""

    code = "stale_revision"
    http_status = 412
    message = (
        "The plan has changed: you saw revision {seen}, it is now {revision}. Load it again, then repeat your change."
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where, and what to do about it.

    `path` names the field as in `items[2].needs[0]`; `message` is English with `{params}`, and the translation's key.
    """

    path: str
    message: str
    params: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path}: {self.message.format(**self.params)}"


class Invalid(FabuError):
    """The input has problems; all of them are listed."""

    code = "invalid"
    http_status = 422
    message = "This cannot be accepted yet:\n{problems}"

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(problems="\n".join(f"• {problem}" for problem in problems))


class Unavailable(FabuError):
    """Fabu itself, or its database, cannot answer now."""

    code = "unavailable"
    http_status = 503
    message = "Fabu cannot save this right now. Nothing was changed; please try again in a moment."


class DeliveryError(FabuError):
    """An outside system did not accept what was sent to it.

    `retryable` is whether the same request may succeed later. `retry_after` is the delay that the system requests, in
    seconds. `sent` is whether the request may have reached the system although no answer came back. `status` and
    `answer` are its HTTP answer, for the delivery log.
    """

    code = "delivery"
    http_status = 502
    message = "{system} did not accept the request: {reason}"

    def __init__(
        self,
        system: str,
        reason: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        sent: bool = True,
        status: int = 0,
        answer: str = "",
    ) -> None:
        self.status = status
        self.answer = answer
        self.retryable = retryable
        self.retry_after = retry_after
        self.sent = sent
        super().__init__(system=system, reason=reason)
