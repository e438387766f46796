"""The bodies and query strings of API requests, apart from the drafts of plans (`core.draft`)."""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.draft import Id, Name, WindowDraft
from core.ports.outbox import DeliveryState
from core.status import PlanStatus
from core.text import Duration, Moment, remove_invisible
from core.verbs import Argument

LongText = Annotated[str, StringConstraints(max_length=4000), AfterValidator(remove_invisible)]
RequiredText = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"\S"), AfterValidator(remove_invisible)
]
ShortText = Annotated[str, StringConstraints(max_length=200), AfterValidator(remove_invisible)]


class Body(BaseModel):
    """Base of bodies and queries: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Body):
    """The words that go with a command, in one field or none."""

    @property
    def text(self) -> str:
        """The value of the field, empty when there is no field."""
        return "".join(value for _, value in self)


class Comment(Words):
    """What an approver adds to an approval."""

    comment: LongText = ""


class Reason(Words):
    """Why; it is kept in the log and shown to everybody."""

    reason: RequiredText


class MaybeReason(Words):
    """Why, if there is something to say."""

    reason: LongText = ""


class Remark(Words):
    """What whoever executes an item notes about it."""

    remark: LongText = ""


class Deputy(Words):
    """Who decides instead."""

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
    """What is different in the copy. A window or a schedule that has passed is dropped unless a new one is given."""

    name: Name | None = None
    window: WindowDraft | None = None
    schedule_at: Moment | None = None


class Replay(Body):
    """Which deliveries begin again: those named, or those that were given up and came up between two moments."""

    ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000)] | None = None
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Replay:
        if (self.ids is None) == (self.since is None):
            raise ValueError("name ids, or the moment since which deliveries were given up")
        return self


class NewToken(Body):
    """A new token; `person` is for administrators, who may make one for somebody else."""

    name: Name
    person: Id | None = None
    expires_in: Duration | None = None


class ChatBody(Body):
    """What a person types, or the button of a card that they press."""

    text: Annotated[str, StringConstraints(max_length=10_000)] = ""
    verb: ShortText = ""
    ref: ShortText = ""
    values: Annotated[dict[str, Annotated[str, StringConstraints(max_length=100_000)]], Field(max_length=50)] = {}


class Part(Body):
    """Which part of a list: `cursor` is the `next_cursor` of the part before."""

    cursor: ShortText = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class PlanFilter(Part):
    """Which plans; `q` is looked for in names."""

    status: PlanStatus | Literal[""] = ""
    manager: ShortText = ""
    q: ShortText = ""


class DeliveryFilter(Part):
    """Which deliveries."""

    state: DeliveryState | Literal[""] = ""


class LogPart(Body):
    """Which part of a log: what follows the entry `after`."""

    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class Against(Body):
    """The revision to compare with; the one before when it is not given."""

    against: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class EventPart(Body):
    """Where to begin when there is no `Last-Event-ID`: after the entry with this id; with what comes when missing."""

    after: Annotated[int, Field(ge=0, lt=2**63)] | None = None


class TokensOf(Body):
    """Whose tokens; other people's are for administrators."""

    person: ShortText = ""
