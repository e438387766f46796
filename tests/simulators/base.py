"""What every simulator shares: a loopback server, a record of the calls it got, scripted faults and a movable clock."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeVar

from aiohttp import web

from tests.waiting import PATIENCE

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
How = Literal["answer", "hang", "close"]


class Clock:
    """Wall time in unix seconds that a test may move forward, so that expiry is tested without waiting."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Return the simulator's time in unix seconds."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass for the simulator alone."""
        self._offset += seconds


@dataclass(frozen=True)
class Fault:
    """One scripted misbehaviour: an answer, a hang until it is released, or a closed connection."""

    how: How = "answer"
    status: int = 500
    retry_after: int | None = None
    body: dict[str, Any] | None = None
    applied: bool = False
    """True: the request is carried out first and only its answer is lost."""
    to: str = ""
    """What the arguments must contain; empty for all calls."""


@dataclass
class Limit:
    """A rate limit: so many calls of an operation in a period, for each value of an argument, or of all."""

    operation: str
    count: int
    period: float
    key: str
    fault: Fault
    names_pause: bool
    passed: dict[str, list[float]] = field(default_factory=dict)

    def refuse(self, arguments: dict[str, Any], now: float) -> Fault | None:
        """Count a call, or return the refusal of one too many."""
        key = str(arguments.get(self.key, ""))
        recent = [at for at in self.passed.get(key, ()) if at > now - self.period]
        self.passed[key] = recent
        if len(recent) < self.count:
            recent.append(now)
            return None
        pause = math.ceil(recent[0] + self.period - now)
        return replace(self.fault, retry_after=pause if self.names_pause else None)


@dataclass
class Call:
    """One request that the simulator received, and what it answered (status 0: no answer)."""

    operation: str
    arguments: dict[str, Any]
    at: float
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None


class Simulator:
    """An aiohttp server on 127.0.0.1 with an ephemeral port; use it as an async context manager."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.calls: list[Call] = []
        self._faults: list[tuple[str, Fault]] = []
        self._limits: list[Limit] = []
        self._outage: Fault | None = None
        self._failing: tuple[str, ...] = ()
        self._released = asyncio.Event()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.url = ""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that the simulator serves."""
        raise NotImplementedError

    def operation(self, request: web.Request) -> str:
        """Return the name under which `request` is recorded and may be failed."""
        return request.path

    async def start(self) -> None:
        """Bind and serve; `url` is then the base address without a trailing slash."""
        app = web.Application(middlewares=[self._observe])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Release hanging requests and close the server."""
        self.release()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    def fail(
        self,
        operation: str,
        times: int = 1,
        *,
        status: int = 500,
        retry_after: int | None = None,
        how: How = "answer",
        body: dict[str, Any] | None = None,
        applied: bool = False,
        to: str = "",
    ) -> None:
        """Misbehave on the next `times` calls of `operation`; scripts of one operation are used up in order."""
        self._faults += [(operation, Fault(how, status, retry_after, body, applied, to))] * times

    def limit(
        self,
        operation: str,
        count: int,
        period: float,
        *,
        key: str = "",
        status: int = 429,
        body: dict[str, Any] | None = None,
        names_pause: bool = True,
    ) -> None:
        """Take no more than `count` calls of `operation` in `period` seconds, for each value of the argument `key`."""
        self._limits.append(Limit(operation, count, period, key, Fault(status=status, body=body), names_pause))

    @contextmanager
    def outage(
        self,
        *operations: str,
        status: int = 503,
        how: How = "close",
        retry_after: int | None = None,
        body: dict[str, Any] | None = None,
    ) -> Iterator[None]:
        """Fail every request inside the block, or those of some operations; scripted faults keep for later."""
        self._outage, self._failing = Fault(how, status, retry_after, body), operations
        try:
            yield
        finally:
            self._outage = None

    def release(self) -> None:
        """Close the connections of requests that hang."""
        self._released.set()
        self._released = asyncio.Event()

    def calls_to(self, operation: str) -> list[Call]:
        """Return the recorded calls of one operation, oldest first."""
        return [call for call in self.calls if call.operation == operation]

    async def until(self, condition: Callable[[], T | None], seconds: float = PATIENCE) -> T:
        """Wait until `condition` is truthy, looking after every call; return its value or raise TimeoutError."""
        async with asyncio.timeout(seconds), self._changed:
            while not (value := condition()):
                await self._changed.wait()
            return value

    async def notify(self) -> None:
        """Let the waiters in `until` look again."""
        async with self._changed:
            self._changed.notify_all()

    async def arguments(self, request: web.Request) -> dict[str, Any]:
        """Return query and body as one dict, for the record; a body that is neither JSON nor form adds nothing."""
        found: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            with suppress(ValueError):
                body = json.loads(await request.read())
                found |= body if isinstance(body, dict) else {"body": body}
        else:
            found |= dict(await request.post())
        return found

    @web.middleware
    async def _observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = Call(self.operation(request), await self.arguments(request), self.clock.now())
        call.fault = self._take_fault(call) or self._exceed_limit(call)
        self.calls.append(call)
        try:
            if call.fault is None:
                response = await handler(request)
            else:
                if call.fault.applied:
                    await handler(request)
                response = await self._misbehave(request, call.fault)
            if call.fault is None or call.fault.how == "answer":
                call.status, call.answer = response.status, answer_of(response)
            return response
        finally:
            await self.notify()

    def _exceed_limit(self, call: Call) -> Fault | None:
        limits = (limit for limit in self._limits if limit.operation == call.operation)
        return next((fault for limit in limits if (fault := limit.refuse(call.arguments, call.at))), None)

    def _take_fault(self, call: Call) -> Fault | None:
        if self._outage and (not self._failing or call.operation in self._failing):
            return self._outage
        for position, (name, fault) in enumerate(self._faults):
            if name == call.operation and fault.to in str(call.arguments):
                del self._faults[position]
                return fault
        return None

    async def _misbehave(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.how == "answer":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.json_response(fault.body or {}, status=fault.status, headers=headers)
        if fault.how == "hang":
            await self.notify()
            await self._released.wait()
        if request.transport:
            request.transport.abort()
        return web.Response()


def answer_of(response: web.StreamResponse) -> dict[str, Any]:
    """Return the JSON object that a response carries, or an empty dict."""
    if isinstance(response, web.Response) and response.content_type == "application/json" and response.text:
        answer = json.loads(response.text)
        return answer if isinstance(answer, dict) else {}
    return {}
