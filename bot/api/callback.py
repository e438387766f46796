"""The callback endpoint, where external systems answer hooks (document "发布计划", section "发布计划 CallBack").

A callback must have the instance code of the plan's current revision, which the hook contained. The settings may
require more: a bearer token, or a signature of the raw body (Standard Webhooks), whose `webhook-id` takes effect once.
"""

from __future__ import annotations

import hmac
from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from adapters.hooks.signing import verify
from bot.api.bodies import LongText
from bot.api.errors import BadRequest, TooLarge, error_response
from bot.api.request import json_response
from bot.problems import MAX_PROBLEMS, find_unstorable, problems_in
from bot.services import SERVICES, Services
from core import commands as c
from core.effects import Hook
from core.engine import Outcome
from core.errors import FabuError, Forbidden, Gone, Invalid, NotFound, Unauthorized, WrongCode
from core.messages import Message
from core.people import EXTERNAL
from core.ports.paging import read_all
from core.ports.store import Reading
from core.status import HookEvent

PATH = "/api/callback/release_plan"
LIMIT = 64 * 1024
"""The largest body, in bytes."""
WRONG_CODES = 10
"""How many wrong codes one client may send for one plan within a `SPAN`."""
MOST = 10_000
"""How many pairs of a client and a plan are counted at once."""
SPAN = timedelta(minutes=1)
"""The time after which wrong codes are counted from zero again."""

_SPELLINGS = {"finished_planning": "finish_planning", "execute": "start_execute", "all_done": "all_job_done"}
"""Other accepted names of events: those in the names of statuses."""


class TooManyCodes(FabuError):
    """The client has sent too many wrong codes."""

    code = "too_many_requests"
    http_status = 429
    message = "Too many callbacks with a wrong instance code. Wait a minute, then send the code of the newest hook."


class CallbackBody(BaseModel):
    """The result of an external system's check for one event of a plan; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    release_plan_id: Annotated[str, Field(min_length=1, max_length=64)]
    instance_code: Annotated[str, Field(max_length=200)]
    hook_event: Annotated[HookEvent, BeforeValidator(lambda event: _SPELLINGS.get(str(event), event))]
    result: Literal["success", "failed", "executing"]
    failed_reason: LongText | None = None
    description: LongText | None = None


class CallbackAnswer(BaseModel):
    """The answer of the document, `id`, and that of Zadig, `message`."""

    id: str
    message: Literal["success"] = "success"


def add_callback(app: web.Application) -> None:
    """Add the endpoint to an application that has the services."""
    app.router.add_post(PATH, Callbacks(app[SERVICES]).answer)


class Callbacks:
    """Authenticates callbacks, and executes them as commands."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mode = services.settings.callback.auth
        self._secret = services.settings.callback.secret.get_secret_value()
        self._wrong_codes = WrongCodes()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one callback. Raises a FabuError when it is not accepted."""
        raw = await _read(request)
        key = self._authenticate(request, raw)
        body = _parse(raw)
        plan_id = await self._find_plan(body.release_plan_id)
        asked = plan_id or body.release_plan_id.lstrip("0")
        client = (_client_address(request, trust_proxy=self._services.settings.server.trust_proxy), asked)
        too_many = self._wrong_codes.too_many(client, self._services.clock.now())
        if too_many and not (plan_id and await self._is_present_code(plan_id, body.instance_code)):
            response = error_response(request, TooManyCodes())
            response.headers["Retry-After"] = str(int(SPAN.total_seconds()))
            return response
        try:
            if not plan_id:
                raise WrongCode
            outcome = await self._execute(plan_id, body, key)
        except (Forbidden, Gone):
            self._wrong_codes.count(client)
            raise
        return json_response(CallbackAnswer(id=outcome.plan.id))

    def _authenticate(self, request: web.Request, raw: bytes) -> str:
        """Return the idempotency key of an authentic callback, empty when it has none. Raises Unauthorized."""
        match self._mode:
            case "bearer":
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if scheme.lower() != "bearer" or not _are_equal(token.strip(), self._secret):
                    raise Unauthorized
            case "signature" if not _are_equal(request.headers.get("X-Zadig-Token", ""), self._secret):
                return f"callback:{verify(raw, request.headers, [self._secret], self._services.clock.now())}"
        return ""

    async def _find_plan(self, ref: str) -> str:
        """Return the id of a plan, empty when there is none; of senders with a proof that raises NotFound.

        Others may be anybody: to them a plan that does not exist is one whose code they do not have.
        """
        try:
            return await self._services.store.read(lambda reading: reading.plans.id_of(ref))
        except NotFound:
            if self._mode == "instance_code":
                return ""
            raise

    async def _is_present_code(self, plan_id: str, code: str) -> bool:
        plan = await self._services.store.read(lambda reading: reading.plans.get(plan_id))
        return _are_equal(code, plan.instance_code)

    async def _execute(self, plan_id: str, body: CallbackBody, key: str) -> Outcome:
        command = c.Callback(
            plan_id=plan_id,
            event=body.hook_event,
            instance_code=body.instance_code,
            result=body.result,
            reason=body.failed_reason or "",
            description=body.description or "",
        )
        try:
            return await self._services.engine.execute(command, EXTERNAL, key)
        except Forbidden:
            if await self._services.store.read(lambda reading: _is_earlier_code(reading, plan_id, body.instance_code)):
                raise Gone(Message("The plan has changed since this hook. Answer the newest one.")) from None
            raise


class WrongCodes:
    """Counts wrong codes by client and plan, from zero again after each `SPAN`.

    Others behind the client's address are not held up: a right code is always taken.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._until: datetime | None = None

    def __len__(self) -> int:
        """Return how many pairs are counted."""
        return len(self._counts)

    def too_many(self, client: tuple[str, str], now: datetime) -> bool:
        """Tell whether a client may send no other wrong code for now."""
        if self._until is None or not now < self._until <= now + SPAN:  # the clock may have been set back
            self._counts.clear()
            self._until = now + SPAN
        return self._counts[client] >= WRONG_CODES

    def count(self, client: tuple[str, str]) -> None:
        """Count a wrong code. Nobody fills the memory with plans that do not exist: at `MOST` pairs all begin anew."""
        if len(self._counts) >= MOST and client not in self._counts:
            self._counts.clear()
        self._counts[client] += 1


def _is_earlier_code(reading: Reading, plan_id: str, code: str) -> bool:
    """Tell whether a code was that of an earlier revision: of a version, or in a hook that was sent."""
    deliveries = read_all(lambda cursor: reading.deliveries.page(plan_id, cursor=cursor, limit=200))
    payloads = (delivery.effect.payload for delivery in deliveries)
    codes = (version.instance_code for version in reading.plans.versions(plan_id))
    return code in codes or any(isinstance(payload, Hook) and payload.instance_code == code for payload in payloads)


async def _read(request: web.Request) -> bytes:
    raw = bytearray()
    async for chunk in request.content.iter_chunked(LIMIT):
        raw += chunk
        if len(raw) > LIMIT:
            raise TooLarge(Message("The request is too large: a callback may have 64 kilobytes."))
    return bytes(raw)


def _parse(raw: bytes) -> CallbackBody:
    """Parse a body of any Content-Type. Raises BadRequest when it is not JSON, Invalid when fields are wrong."""
    try:
        data: Any = from_json(raw, allow_inf_nan=False)
        problems = list(islice(find_unstorable(data), MAX_PROBLEMS))
    except (ValueError, RecursionError):
        raise BadRequest from None
    if problems:
        raise Invalid(*problems)
    try:
        return CallbackBody.model_validate(data)
    except ValidationError as error:
        raise Invalid(*problems_in(error, data)) from None


def _client_address(request: web.Request, *, trust_proxy: bool) -> str:
    """Return the address of the client. A trusted proxy appends the client's address to X-Forwarded-For."""
    forwarded = request.headers.get("X-Forwarded-For", "") if trust_proxy else ""
    return forwarded.rpartition(",")[2].strip() or request.remote or ""


def _are_equal(given: str, expected: str) -> bool:
    """Compare with a secret in constant time. Nothing equals an empty secret."""
    return bool(expected) and hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode())
