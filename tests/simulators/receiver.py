"""An external system that receives release-plan hooks: strict about what it gets, scripted in what it answers.

Signatures are checked by the independent `standardwebhooks` library, headers after Zadig's HTTP client, the body by
`receiver_body`. What is wrong is answered with 400 or 401 and recorded.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import ClientSession, web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.simulators import receiver_body
from tests.simulators.base import Simulator


@dataclass(frozen=True)
class Answer:
    """One scripted answer: after `delay` seconds, whole, cut off in the middle of its body, or without an end."""

    status: int = 200
    body: bytes = b'{"message":"success"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    ending: Literal["whole", "cut", "endless"] = "whole"


@dataclass(frozen=True)
class Hook:
    """One hook as it arrived, and what is wrong with it."""

    headers: Mapping[str, str]
    raw: bytes
    body: Any
    problems: list[str]

    @property
    def id(self) -> str:
        """The identifier by which a repeated hook is known."""
        return self.headers.get("webhook-id", "")

    @property
    def event(self) -> str:
        """The event that the headers name."""
        return self.headers.get("X-Zadig-Event", "")

    @property
    def plan(self) -> dict[str, Any]:
        """The plan that the body tells of."""
        plan: dict[str, Any] = self.body["release_plan"]
        return plan


class Receiver(Simulator):
    """Receives hooks at `hook_url`; `secret` and `token` are what it expects, `None` to expect none."""

    def __init__(self, secret: str | None = None, token: str | None = None) -> None:
        super().__init__()
        self.secret = secret
        self.token = token
        self.hooks: list[Hook] = []
        self.led_astray = 0
        self._answers: deque[Answer] = deque()

    @property
    def hook_url(self) -> str:
        """The address to send hooks to."""
        return f"{self.url}/hook"

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hook", self._receive), web.route("*", "/elsewhere", self._elsewhere)]

    def operation(self, request: web.Request) -> str:
        return request.path.removeprefix("/")

    def script(self, *answers: Answer) -> None:
        """Give these answers, one a hook, before the usual ones."""
        self._answers.extend(answers)

    async def call_back(
        self,
        session: ClientSession,
        url: str,
        hook: Hook,
        result: str = "success",
        *,
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> tuple[int, dict[str, Any]]:
        """Answer a hook by the document's callback, signed if there is a secret; return status and body of the reply.

        `fields` adds to the body or replaces in it: `failed_reason`, `description`, `instance_code`.
        """
        body = {
            "release_plan_id": hook.plan["id"],
            "instance_code": hook.plan["instance_code"],
            "hook_event": hook.plan["event_name"],
            "result": result,
            "failed_reason": "",
        } | fields
        raw = json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json"} | self._signature(raw) | dict(headers or {})
        async with session.post(f"{url}/api/callback/release_plan", data=raw, headers=all_headers) as response:
            return response.status, await response.json()

    def _signature(self, raw: bytes) -> dict[str, str]:
        if self.secret is None:
            return {}
        message_id, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message_id, now, raw.decode()),
        }

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.led_astray += 1
        return web.Response()

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        hook = Hook(request.headers.copy(), raw, _parsed(raw), self._header_problems(request))
        hook.problems.extend(receiver_body.problems(hook.body))
        if hook.body and hook.body.get("event") != hook.event:
            hook.problems.append(f"X-Zadig-Event: {hook.event} is not the event of the body")
        forged = self._forgery(hook)
        hook.problems.extend(forged)
        self.hooks.append(hook)
        if self._answers:
            return await _play(request, self._answers.popleft())
        if hook.problems:
            return web.json_response({"problems": hook.problems}, status=401 if forged else 400)
        return web.json_response({"message": "success"})

    def _header_problems(self, request: web.Request) -> list[str]:
        headers = request.headers
        expected = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "Zadig"}
        if self.token is not None:
            expected["X-Zadig-Token"] = self.token
        wrong = [
            f"{name}: {headers.get(name)} is not {value}"
            for name, value in expected.items()
            if headers.get(name) != value
        ]
        if self.token is None and "X-Zadig-Token" in headers:
            wrong.append("X-Zadig-Token: sent although no token is agreed")
        if not headers.get("X-Zadig-Instance", "").startswith(("http://", "https://")):
            wrong.append("X-Zadig-Instance: no address")
        uuids = ("X-Zadig-Event-UUID", "X-Zadig-Webhook-UUID")
        return wrong + [f"{name}: no UUID" for name in uuids if not _is_uuid(headers.get(name, ""))]

    def _forgery(self, hook: Hook) -> list[str]:
        if self.secret is None:
            return []
        try:
            Webhook(self.secret).verify(hook.raw, dict(hook.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            return [f"signature: {error}"]
        return []


async def _play(request: web.Request, answer: Answer) -> web.StreamResponse:
    await asyncio.sleep(answer.delay)
    if answer.ending == "whole":
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if answer.ending == "cut":
        response.content_length = len(answer.body) + 1000
    await response.prepare(request)
    await response.write(answer.body)
    if answer.ending == "cut" and request.transport:
        request.transport.close()
    while request.transport and not request.transport.is_closing():
        await response.write(answer.body)
        await asyncio.sleep(0)
    return response


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
