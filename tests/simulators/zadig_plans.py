"""Release plans of the Zadig simulator: the hooks that they send, and the callback with Zadig's own checks.

Source: Zadig `aslan/core/release_plan/service/release_plan.go` (callback: 1752-1910) and `webhooknotify/client.go`.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession

Json = dict[str, Any]

WAITING = {
    "finish_planning": "wait_for_finish_planning_external_check",
    "start_execute": "wait_for_execute_external_check",
    "all_job_done": "wait_for_all_done_external_check",
}
_NEXT = {"finish_planning": "finish_planning", "start_execute": "executing", "all_job_done": "success"}


@dataclass
class HookSetting:
    """Where Zadig sends a kind of hook."""

    address: str
    token: str
    events: frozenset[str]
    callback: bool = True


@dataclass
class Plan:
    """One release plan of Zadig."""

    id: str
    name: str
    manager: str = "alice"
    status: str = "planning"
    instance_code: str = ""
    jobs: list[Json] = field(default_factory=list)
    failed_reason: str = ""
    progress: str = ""

    def wait(self, event: str) -> None:
        """Wait for the external check of an event, under a new instance code."""
        self.status = WAITING[event]
        self.instance_code = hashlib.sha256(f"{self.id}{event}{uuid.uuid4()}".encode()).hexdigest()[:16]

    def body(self, event: str) -> Json:
        """Return the hook's body as Zadig's Go types write it."""
        plan = {
            "id": self.id,
            "index": 52,
            "event_name": event,
            "name": self.name,
            "manager": self.manager,
            "manager_id": "14790d50-37b3-11f0-b3aa-ee39782dea6e",
            "start_time": 0,
            "end_time": 0,
            "schedule_execute_time": 0,
            "description": "<p><br></p>",
            "created_by": "alice",
            "create_time": 1756884022,
            "updated_by": "系统",
            "update_time": 1756893023,
            "instance_code": self.instance_code,
            "jobs": self.jobs,
            "status": self.status,
            "planning_time": 1756884023,
            "approval_time": 0,
            "executing_time": 0,
            "success_time": 0,
        }
        return {"object_kind": "release_plan", "event": event, "workflow": None, "release_plan": plan}

    def stored(self) -> Json:
        """Return the plan as the OpenAPI gives it, as far as it is simulated."""
        told = {"id": self.id, "index": 52, "name": self.name, "status": self.status}
        return told | {"instance_code": self.instance_code, "jobs": self.jobs}

    def answer(self, given: Json, setting: HookSetting) -> None:
        """Take a callback; a ValueError is one of Zadig's plain errors, and tells the code that it expected."""
        event, result = given.get("hook_event"), given.get("result")
        if given.get("instance_code") != self.instance_code:
            raise ValueError(f"instance code not match, expect: {self.instance_code}")
        if event not in setting.events or self.status != WAITING.get(event):
            raise ValueError(f"release plan status is {self.status}, can not callback")
        match result:
            case "success":
                self.status = _NEXT[event]
            case "failed":
                self.status, self.failed_reason = f"{self.status}_failed", given.get("failed_reason", "")
            case "executing":
                self.progress = given.get("description", "")
            case _:
                raise ValueError(f"invalid result: {result}")


async def push(setting: HookSetting, body: Json, instance: str) -> int:
    """Send a hook once, with Zadig's headers and fresh identifiers; return the status, 0 when nobody answered."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "Zadig",
        "X-Zadig-Token": setting.token,
        "X-Zadig-Instance": instance,
        "X-Zadig-Event": body["event"],
        "X-Zadig-Event-UUID": str(uuid.uuid4()),
        "X-Zadig-Webhook-UUID": str(uuid.uuid4()),
    }
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        async with ClientSession() as session, session.post(setting.address, data=raw, headers=headers) as response:
            return response.status
    except ClientError:
        return 0
