"""The shape of an adapter: what the program gives one that it opens, and what it gets back.

Each adapter has a module `adapter` with one function `open_chat` or `open_runner`, which does all its wiring. It takes
the adapter's own section of the settings and a `Host`; what it returns is not started yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from core.chat import Handler
from core.ports.approval_forms import ApprovalForms
from core.ports.checkup import Finding
from core.ports.clock import Clock
from core.ports.messenger import Messenger
from core.ports.runner import Runner, RunReport
from core.pressure import Pressure

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers the requests to one path."""
FormChanged = Callable[[str], Coroutine[Any, Any, None]]
"""Is given the vendor's id of an approval form that may have changed."""
Reported = Callable[[str, str, RunReport], Awaitable[None]]
"""Is given the plan, the item and what the runner knows of its run."""
Examine = Callable[[], Awaitable[list[Finding]]]
"""Looks for what may be wrong with the settings of an adapter and with what they lead to."""


@dataclass(frozen=True, slots=True)
class Host:
    """The program, as far as an adapter knows it.

    `public_url` is where people reach it, without a slash at the end. `translate` gives a text in `language`, the
    installation's, and `words` has what people type there for each verb. `data_folder` is where files may be kept;
    None when several servers share one database, none of which owns a folder. `report` takes what a runner says.
    """

    clock: Clock
    public_url: str
    language: str
    translate: Callable[[str], str]
    words: Mapping[str, str]
    data_folder: Path | None
    report: Reported


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where the inbound side of a chat takes what it hears."""

    handler: Handler
    form_changed: FormChanged
    pressure: Pressure


class Listener(Protocol):
    """The inbound side of a chat: it answers requests, or keeps a connection to the vendor.

    `paths` has what answers the vendor's requests, by path: nothing where Fabu opens the connection.
    """

    @property
    def paths(self) -> Mapping[str, Answer]: ...  # noqa: D102 - explained above

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """Listen no more; what was begun is finished."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAdapter:
    """An open chat.

    `name` is what people call it, `channel` is where plan cards go, and `url` is the vendor's API. `listen` makes the
    inbound side, and raises ValueError for settings with which it could prove no request. `posted_to` are the paths of
    that side, known without making it.
    """

    name: str
    messenger: Messenger
    channel: str
    url: str
    posted_to: tuple[str, ...]
    listen: Callable[[Inbox], Listener]
    examine: Examine
    approval_forms: ApprovalForms | None = None


async def nothing() -> None:
    """Do nothing: for a runner that has nothing to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerAdapter:
    """An open runner.

    `name` is what people call it, and `url` the system that it asks, empty for one inside this process. `start` begins
    its work.
    """

    name: str
    runner: Runner
    url: str = ""
    examine: Examine
    start: Callable[[], Awaitable[None]] = field(default=nothing)
