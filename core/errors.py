"""Every error that Fabu raises on purpose.

FabuError
├── Unauthorized          the sender is not proven              401
├── Forbidden             the sender is known, without a right  403
│   ├── MissingScope
│   ├── NotApprover
│   ├── NotYourTurn
│   ├── SelfApproval
│   ├── ConfirmedOnPage
│   └── DecidedInForm
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

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from core.messages import Message, Param


class FabuError(Exception):
    """Something went wrong that a person can understand and act on."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    message: str = "Something went wrong. Please try again."

    def __init__(self, message: Message | None = None, **params: object) -> None:
        """Take a message of its own in place of the class's text, or the parameters of the latter."""
        if message is not None:
            self.message, params = message.text, dict(message.params or {})
        self.params = params
        super().__init__(self.message.format(**params))

    def as_message(self) -> Message:
        """Return what the error says as a value that can be stored."""
        return Message.from_source(self.message, _params(self.params))


def _params(params: Mapping[str, object]) -> dict[str, Param]:
    """Return parameters as a message may have them; what else there is becomes an English text."""
    return {name: each if isinstance(each, str | int | float | Message) else str(each) for name, each in params.items()}


class Unauthorized(FabuError):
    """The request does not prove who sent it."""

    code = "unauthorized"
    http_status = 401
    message = "The request is not signed or not signed in. Sign in, or check the secret in the settings."


class Forbidden(FabuError):
    """The person is known but has no right to do this."""

    code = "forbidden"
    http_status = 403
    message = "This is not yours to do: {verb}. Ask {people}, or an administrator."


class MissingScope(Forbidden):
    """The token does not let its person do this."""

    code = "missing_scope"
    message = (
        "This token has no scope “{scope}”. Make another one with it: `fabu token create --as ID --scope {scope}`, or "
        "sign in anew from a chat."
    )


class WrongCode(Forbidden):
    """The instance code of a callback is not the plan's."""

    message = "The instance code does not belong to the present revision of this plan."


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
    """The manager of a plan, or somebody who edited it, tried to approve it."""

    code = "self_approval"
    message = "You are responsible for this plan or have edited it, so somebody else must approve it: {people}."


class ConfirmedOnPage(Forbidden):
    """A policy takes votes on the plan's page alone."""

    code = "confirmed_on_page"
    message = "A policy takes votes on this plan only on its page. Open the page signed in, and decide there."


class DecidedInForm(Forbidden):
    """The stage is decided in a vendor's own approval form."""

    message = "This stage is decided in the approval form of {platform}, by {people}. Open it there."


class Thing(StrEnum):
    """What can be looked for and not be found."""

    PLAN = "plan"
    ITEM = "item"
    VERSION = "version"
    COMMAND = "command"
    DELIVERY = "delivery"
    RUNNER = "runner"
    TOKEN = "token"  # noqa: S105 - the word


class NotFound(FabuError):
    """What was requested does not exist."""

    code = "not_found"
    http_status = 404
    message = "There is no {what} {ref}. Use `list` to see what there is."

    def __init__(self, what: Thing | Message, ref: object = "") -> None:
        """Name the kind of thing and what it was looked for by, or say it all in a message."""
        if isinstance(what, Message):
            super().__init__(what)
        else:
            super().__init__(what=what, ref=ref)


class UnknownPerson(NotFound):
    """A chat user or a token belongs to nobody that Fabu knows."""

    code = "unknown_person"
    http_status = 403
    message = "Fabu does not know you yet. Ask an administrator to add {platform} user {user} to the people."

    def __init__(self, platform: str, user: str) -> None:
        FabuError.__init__(self, platform=platform, user=user)


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

    @classmethod
    def from_source(cls, path: str, message: str, params: dict[str, object]) -> Problem:
        """Return the problem whose message is marked for translation elsewhere."""
        return cls(path, message, params)

    def as_message(self) -> Message:
        """Return the problem with its path as a value that can be stored."""
        problem = Message.from_source(self.message, _params(self.params))
        return Message("{place}: {what}", {"place": self.path, "what": problem})


class Invalid(FabuError):
    """The input has problems; all of them are listed."""

    code = "invalid"
    http_status = 422
    message = "This cannot be accepted yet:\n{problems}"

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(problems="\n".join(f"• {problem}" for problem in problems))

    def as_message(self) -> Message:
        """Return all problems as a value that can be stored."""
        problems = Message.joined("\n• ", (problem.as_message() for problem in self.problems))
        return Message.from_source(self.message, {"problems": Message.joined("• ", ("", problems))})


class Unavailable(FabuError):
    """Fabu itself, or its database, cannot answer now."""

    code = "unavailable"
    http_status = 503
    message = "Fabu cannot save this right now. Nothing was changed; please try again in a moment."


_LONGEST_PAUSE = 86_400.0
"""A day, in seconds: the time of the next attempt must be one that can be stored and shown."""


class DeliveryError(FabuError):
    """An outside system did not accept what was sent to it, for a `reason`.

    `retryable` is whether the same request may succeed later; `known` whether that is certain, and not assumed of a
    refusal whose meaning is not known. `retry_after` is the delay that the system requests, in seconds, at most a day.
    `limited` is whether the system's rate limit is the cause: the request waits for `retry_after`, and has not failed.
    `sent` is whether the request may have reached the system although no answer came back. `status` and `answer` are
    its HTTP answer, for the delivery log.
    """

    code = "delivery"
    http_status = 502
    message = "{system} did not accept the request: {reason}"

    def __init__(
        self,
        system: str,
        reason: Message,
        *,
        retryable: bool,
        retry_after: float | None = None,
        sent: bool = True,
        status: int = 0,
        answer: str = "",
        known: bool = True,
        limited: bool = False,
    ) -> None:
        self.reason = reason
        self.status = status
        self.answer = answer
        self.retryable = retryable
        self.known = known
        self.limited = limited
        self.retry_after = None if retry_after is None else min(retry_after, _LONGEST_PAUSE)
        self.sent = sent
        super().__init__(system=system, reason=reason)
