"""The interface between the program and its adapters: what an adapter is opened with, and what it returns.

Each adapter has a module `adapter` with one function, `open_chat` or `open_runner`, which does all its wiring. The
function takes the adapter's section of the settings and a `Host`. It returns an adapter that is not started yet.
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

RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers the HTTP requests to one path."""
FormHandler = Callable[[str], Coroutine[Any, Any, None]]
"""Takes the vendor's id of an approval form that may have changed."""
ReportHandler = Callable[[str, str, RunReport], Awaitable[None]]
"""Takes the id of a plan, the id of an item, and the runner's report on the item's run."""
WantedCheck = Callable[[str, str, str], Awaitable[bool]]
"""Takes the ids of a plan, an item and a run, and returns whether the run is still to go on: it has not ended for the
plan, and nobody has started another one in its place. Waits until the store answers."""
CheckUp = Callable[[], Awaitable[list[Finding]]]
"""Checks the settings of an adapter and the system they name, for `fabu doctor`."""


async def always_wanted(_plan_id: str, _item_id: str, _run_id: str) -> bool:
    """Let a run go on: the check of a program without a store."""
    return True


@dataclass(frozen=True, slots=True)
class Host:
    """The program, as far as an adapter knows it.

    `public_url` is the address for people, without a slash at the end. `language` is the installation's; `translate`
    translates a text into it, and `words` maps each verb to its word in that language. `data_folder` is where an
    adapter may keep files; None when several servers share one database, since none of them owns a folder. Runners send
    the ends of their runs to `report`, and ask `is_wanted` before they go on with one in this process. `private_files`
    are those that nothing which a runner starts may read, and `secrets` the texts that no output may show.
    """

    clock: Clock
    public_url: str
    language: str
    translate: Callable[[str], str]
    words: Mapping[str, str]
    data_folder: Path | None
    report: ReportHandler
    private_files: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_wanted: WantedCheck = always_wanted


@dataclass(frozen=True, slots=True)
class Inbox:
    """The receivers of what the inbound side of a chat takes from the vendor.

    `handler` takes the requests of chat users, `form_changed` the changes of approval forms. `pressure` is whether
    requests pile up.
    """

    handler: Handler
    form_changed: FormHandler
    pressure: Pressure


class Listener(Protocol):
    """The inbound side of a chat: it answers the vendor's requests, or keeps a connection to the vendor.

    `paths` maps the paths that the vendor posts to, to their handlers; it is empty where Fabu opens the connection.
    """

    @property
    def paths(self) -> Mapping[str, RequestHandler]: ...  # noqa: D102 - explained above

    async def start(self) -> None:
        """Begin to receive events."""
        ...

    async def stop(self) -> None:
        """Receive no more events, and finish those that are in progress."""
        ...


async def start_nothing() -> None:
    """Do nothing: the start of a runner, or the preparation of a chat, that needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAdapter:
    """An open chat.

    `name` is for people. `channel` is the vendor's id of the channel for plan cards, and `url` the vendor's API.
    `listen` creates the inbound side; it raises ValueError when the settings have no secret to verify requests with.
    `inbound_paths` are the paths of the inbound side, known before it exists. `prepare` does what the vendor requires
    before it takes a card from a program that does not listen; it raises DeliveryError.
    """

    name: str
    messenger: Messenger
    channel: str
    url: str
    inbound_paths: tuple[str, ...]
    listen: Callable[[Inbox], Listener]
    examine: CheckUp
    approval_forms: ApprovalForms | None = None
    prepare: Callable[[], Awaitable[None]] = field(default=start_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerAdapter:
    """An open runner.

    `name` is for people, and `url` is the system that runs the workflows; empty when that is this process. `start`
    recovers the runs of an earlier process. `confines` is whether what it runs is kept from the server's files.
    """

    name: str
    runner: Runner
    url: str = ""
    examine: CheckUp
    start: Callable[[], Awaitable[None]] = field(default=start_nothing)
    confines: bool = True
