"""The bodies and query strings of API requests, apart from the drafts of plans (`core.draft`)."""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.draft import Id, Name, WindowDraft
from core.people import TokenScope
from core.ports.outbox import DeliveryState
from core.status import PlanStatus
from core.text import Duration, Moment, Visible
from core.verbs import Argument

LongText = Annotated[str, StringConstraints(max_length=4000), Visible]
RequiredText = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"\S"), Visible]
ShortText = Annotated[str, StringConstraints(max_length=200), Visible]


class Body(BaseModel):
    """Base of bodies and queries; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Body):
    """The text of a command, in one field or none, and the revision that the caller expects; any if it is null."""

    revision: Annotated[int, Field(ge=1, lt=2**31)] | None = None

    @property
    def text(self) -> str:
        """The value of the field for the text, empty when there is none."""
        return "".join(value for _, value in self if isinstance(value, str))


class Comment(Words):
    """The comment of an approver."""

    comment: LongText = ""


class Reason(Words):
    """The reason for a command, which everybody can read in the log."""

    reason: RequiredText


class MaybeReason(Words):
    """The reason for a command; it may be missing."""

    reason: LongText = ""


class Remark(Words):
    """The remark of the person who executes an item."""

    remark: LongText = ""


class Deputy(Words):
    """The person who decides in place of the caller."""

    to: Id


def body_for(argument: Argument | None) -> type[Words]:
    """Return the body of the verbs that take this text."""
    match argument:
        case None:
            return Words
        case Argument.COMMENT:
            return Comment
        case Argument.REASON:
            return Reason
        case Argument.OPTIONAL_REASON:
            return MaybeReason
        case Argument.REMARK:
            return Remark
        case Argument.PERSON:
            return Deputy
        case _:
            assert_never(argument)


class Copy(Body):
    """What differs in the copy. A window or a schedule that has passed is not copied."""

    name: Name | None = None
    window: WindowDraft | None = None
    schedule_at: Moment | None = None


class Replay(Body):
    """The deliveries to replay: those with these ids, or the dead ones that were created between two times."""

    ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000)] | None = None
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Replay:
        if (self.ids is None) == (self.since is None):
            raise ValueError("name ids, or the moment since which deliveries were given up")
        return self


class NewToken(Body):
    """A new token. Only administrators may name another `person` than themselves.

    It has no scope that the token of the request does not have, and ends with that. Without `scopes`, it has all of
    them but `admin`.
    """

    name: Name
    person: Id | None = None
    expires_in: Duration | None = None
    scopes: Annotated[tuple[TokenScope, ...], Field(min_length=1)] | None = None


class ChatBody(Body):
    """A command that a person types, or a button or a form with its values."""

    text: Annotated[str, StringConstraints(max_length=10_000)] = ""
    verb: ShortText = ""
    ref: ShortText = ""
    values: Annotated[dict[str, Annotated[str, StringConstraints(max_length=100_000)]], Field(max_length=50)] = {}


class Part(Body):
    """The page of a list: `cursor` is the `next_cursor` of the page before."""

    cursor: ShortText = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class PlanFilter(Part):
    """The plans to list; `q` is searched for in their names."""

    status: PlanStatus | Literal[""] = ""
    manager: ShortText = ""
    q: ShortText = ""


class DeliveryFilter(Part):
    """The deliveries to list."""

    state: DeliveryState | Literal[""] = ""


class LogPart(Body):
    """The part of a log that follows the entry `after`; `cursor` is the `next_cursor` of the part before."""

    cursor: Annotated[int, Field(ge=0, lt=2**63)] | Literal[""] = ""
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class Against(Body):
    """The revision to compare with, by default the one before."""

    against: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class EventPart(Body):
    """The entry after which the stream begins without a `Last-Event-ID`, by default the newest."""

    after: Annotated[int, Field(ge=0, lt=2**63)] | None = None


class TokensOf(Body):
    """The person whose tokens to list; only administrators may name others than themselves."""

    person: ShortText = ""
