"""What an endpoint is: what it reads and answers. Routes and the OpenAPI document are made from endpoints."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.api.errors import BadRequest, Unanswered, UnsupportedMediaType
from bot.api.request import ACTOR, REQUEST_ID, json_response
from bot.problems import MAX_PROBLEMS, find_unstorable, problems_in
from bot.services import SERVICES, Services
from core.commands import AnyCommand
from core.engine import Outcome
from core.errors import Invalid, NotFound, Problem, Thing
from core.people import Actor, TokenScope

log = logging.getLogger(__name__)

B = TypeVar("B")
Q = TypeVar("Q")
M = TypeVar("M", bound=BaseModel)

KEY_HEADER, REVISION_HEADER = "Idempotency-Key", "If-Match"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_REVISION = re.compile(r'(?:W/)?("?)(\d{1,9})\1')
_REF = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """A request as its handler gets it, with the validated body and query.

    `key` is the idempotency key, empty without one; requests with the same key must have the same `fingerprint`.
    `revision` is the one that the caller expects, None for any. `headers` are sent with the answer. `outcomes` are
    those of the commands so far.
    """

    request: web.Request
    services: Services
    actor: Actor
    body: B
    query: Q
    key: str = ""
    revision: int | None = None
    fingerprint: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def ref(self, name: str, what: Thing) -> str:
        """Return a named part of the path. Raises NotFound when nothing can have such a name."""
        ref = self.request.match_info[name]
        if not _REF.fullmatch(ref):
            raise NotFound(what, ref[:64].replace("\0", ""))
        return ref

    async def execute(self, command: AnyCommand) -> Outcome:
        """Execute a command, once per key. Raises Invalid when the key belongs to another request."""
        outcome = await self.services.engine.execute(command, self.actor, self.key, self.fingerprint)
        self.outcomes.append(outcome)
        if outcome.repeated:
            self.headers["Idempotent-Replayed"] = "true"
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path below `/api/v1`.

    A token needs its `scope`; for reading, that need not be said. `refusals` are its error statuses, apart from those
    that follow from what it reads. `request_headers` are the headers that it evaluates. `example` is a body.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call[Any, Any]], Awaitable[BaseModel | web.StreamResponse | None]]
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    refusals: tuple[int, ...] = ()
    request_headers: tuple[str, ...] = ()
    example: Mapping[str, Any] | None = None
    scope: TokenScope = TokenScope.READ

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Read a request, call the handler, and return its answer as a response."""
        actor = request[ACTOR]
        actor.require(self.scope)
        raw = await request.read() if self.body else b""
        identity = f"{request.method} {request.path}\n".encode("utf-8", "replace") + raw
        call: Call[Any, Any] = Call(
            request,
            request.config_dict[SERVICES],
            actor,
            read_body(request, raw, self.body) if self.body else None,
            read_query(request, self.query) if self.query else None,
            _read_key(request, actor) if KEY_HEADER in self.request_headers else "",
            _read_revision(request) if REVISION_HEADER in self.request_headers else None,
            hashlib.sha256(identity).hexdigest(),
        )
        try:
            return await self._answer(call)
        except Exception as error:
            if not call.outcomes:
                raise
            log.exception("request %s is done, but cannot be answered", request[REQUEST_ID])
            raise Unanswered(number=call.outcomes[-1].plan.number) from error

    async def _answer(self, call: Call[Any, Any]) -> web.StreamResponse:
        answer = await self.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        response = json_response(answer, self.status) if answer else web.Response(status=204)
        response.headers.update(call.headers)
        return response


def _read_key(request: web.Request, actor: Actor) -> str:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Invalid(Problem(KEY_HEADER, "write 1 to 200 printable characters without spaces"))
    return f"api:{actor.id}:{key}"


def _read_revision(request: web.Request) -> int | None:
    wanted = request.headers.get(REVISION_HEADER, "*").strip()
    if wanted == "*":
        return None
    match = _REVISION.fullmatch(wanted)
    if match is None:
        raise Invalid(Problem(REVISION_HEADER, 'write the revision of the plan, such as "3"'))
    return int(match[2])


def read_body(request: web.Request, raw: bytes, model: type[M]) -> M:
    """Return the body as a model, validated strictly. A missing body is an empty object.

    Raises UnsupportedMediaType, BadRequest when it is not JSON, Invalid with every field that is wrong.
    """
    if raw and request.content_type != "application/json":
        raise UnsupportedMediaType
    raw = raw or b"{}"
    try:
        data = json.loads(raw.decode(), parse_constant=_refuse_constant)
        problems = [problem for problem, _ in zip(find_unstorable(data), range(MAX_PROBLEMS), strict=False)]
    except (ValueError, RecursionError):
        raise BadRequest from None
    if problems:
        raise Invalid(*problems)
    return validate(lambda: model.model_validate_json(raw, strict=True), data)


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def read_query(request: web.Request, model: type[M]) -> M:
    """Return the query string as a model. Raises Invalid."""
    given = {name: request.query.getall(name) for name in request.query}
    data = {name: values[0] if len(values) == 1 else values for name, values in given.items()}
    if problems := list(find_unstorable(data)):
        raise Invalid(*problems)
    return validate(lambda: model.model_validate(data), data)


def validate(parse: Callable[[], M], data: object) -> M:
    """Return what `parse` makes of the data. Raises Invalid that names every wrong field, but no wrong value."""
    try:
        return parse()
    except ValidationError as error:
        raise Invalid(*problems_in(error, data)) from None
