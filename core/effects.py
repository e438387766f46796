"""What has to happen outside after a plan has changed. Effects are stored with the change and delivered after it.

An effect names what to bring up to date, not the text: it is rendered from the newest state when it is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

ADMINS = "admins"
"""Where alarms go."""


class EffectKind(StrEnum):
    """What an effect does.

    `sync` brings a plan's cards and thread in one chat (or its mails) up to date; `run_start`, `run_cancel` and
    `run_resume` (for what waits for a person) call a runner; `hook` tells an external system; `form_start`,
    `form_cancel` handle a vendor's own approval form; `answer` tells a system that asked for an approval how it was
    decided; `alarm` tells administrators what is their concern.
    """

    SYNC = "sync"
    RUN_START = "run_start"
    RUN_CANCEL = "run_cancel"
    RUN_RESUME = "run_resume"
    HOOK = "hook"
    FORM_START = "form_start"
    FORM_CANCEL = "form_cancel"
    ANSWER = "answer"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do. Effects of the same plan and destination are delivered in the order of their identifiers.

    `id` is stable over all attempts and serves as idempotency key; `sync` effects that have not begun coalesce.
    """

    id: str
    plan_id: str
    destination: str
    kind: EffectKind
    ref: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
