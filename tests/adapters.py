"""What adapters are given in tests: sections of the settings, an inbox, the program around them; and what they find."""

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
    """Return the section with other values, checked like those of a file."""
    return type(section)(**{**section.model_dump(), **changes})


def inbox_of(handler: Handler, form_changed: FormHandler | None = None) -> Inbox:
    """Return an inbox without pressure; nobody hears of approval forms unless it is said who."""
    return Inbox(handler, form_changed or unheard, Pressure())


def host() -> Host:
    """Return a program in English that keeps no files and takes no reports."""
    return Host(SystemClock(), "https://fabu.example", "en", str, {}, None, unheard)


def wrong(findings: list[Finding]) -> list[str]:
    """Return what is not well; each of these has a cure."""
    assert findings
    assert all(finding.cure for finding in findings if not finding.ok)
    return [finding.text for finding in findings if not finding.ok]


async def unheard(*_: object) -> None:
    """Take what nobody listens to."""
