"""What tests open adapters with: sections of the settings, an inbox and a host; and the failed findings of doctors."""

from __future__ import annotations

from typing import Any, TypeVar

from adapters.common.adapter import FormHandler, Host, Inbox
from adapters.common.settings import Section
from adapters.common.system import SystemClock
from core.chat import Handler
from core.ports.checkup import Finding
from core.pressure import Pressure

S = TypeVar("S", bound=Section)


def changed(section: S, **changes: Any) -> S:
    """Return a section with other values, which are validated like those in a file."""
    return type(section)(**{**section.model_dump(), **changes})


def inbox_of(handler: Handler, form_changed: FormHandler | None = None) -> Inbox:
    """Return an inbox without pressure; changes of approval forms are ignored without `form_changed`."""
    return Inbox(handler, form_changed or ignore, Pressure())


def host() -> Host:
    """Return the host of a program in English that has no files and ignores reports."""
    return Host(SystemClock(), "https://fabu.example", "en", str, {}, None, ignore)


def wrong(findings: list[Finding]) -> list[str]:
    """Return the texts of the findings that failed, each of which must have a cure."""
    assert findings
    assert all(finding.cure for finding in findings if not finding.ok)
    return [finding.text for finding in findings if not finding.ok]


async def ignore(*_: object) -> None:
    """Do nothing with any arguments."""
