"""`fabu demo`: plays a whole release through the chat grammar on a real server, and prints what each person sees.

It needs no account and no other server: it uses SQLite in a temporary folder, the embedded runner and sample people.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import yaml
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from bot.app import run_app, serve_http, stop_event
from bot.cli.show import reply_view, terminal
from bot.i18n import Locale
from bot.services import SERVICES, Services
from config.settings import Settings
from core import commands as c
from core.chat import Inbound
from core.draft import PlanDraft, PlanPatch
from core.messages import Message
from core.plan import Plan
from core.ports.people import Token
from core.status import ItemStatus, PlanStatus

EXAMPLE = Path(__file__).parents[2] / "config" / "example_plan.yaml"
_PATIENCE = 30.0
"""Seconds that a run of the demonstration may take."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One message of a person, and the reason for it.

    `until` is an item, and the status that it has to reach before the next scene. Every reply has a card, which is
    printed in scenes `with_card`.
    """

    person: str
    text: str
    why: Message
    until: tuple[str, ItemStatus] | None = None
    with_card: bool = False


FIRST_ACT = (
    Scene("alice", "submit 1", Message("Alice has drafted the release and asks for approval."), with_card=True),
    Scene("bob", "list mine", Message("Bob finds what waits for him."), with_card=True),
    Scene("bob", "reject 1 How do we roll back?", Message("He misses something, and says so.")),
    Scene("alice", "replan 1", Message("Alice takes the plan back and adds it.")),
)
SECOND_ACT = (
    Scene("alice", "submit 1", Message("The new revision is asked for anew; old votes are void.")),
    Scene("bob", "show 1", Message("Bob looks at it: a vote counts for what its voter has seen."), with_card=True),
    Scene("bob", "approve 1 thank you", Message("Bob agrees; the second stage is next.")),
    Scene("alice", "approve 1", Message("Alice is responsible for the plan, so her approval does not count.")),
    Scene("carol", "同意 1", Message("Carol has seen nothing yet, so she is shown it in place of a vote.")),
    Scene(
        "carol",
        "同意 1 可以发布",
        Message("Carol, of the group sre, approves in Chinese: the plan may be executed."),
        with_card=True,
    ),
    Scene("carol", "execute 1 announce customer care knows", Message("A manual step is done with a remark.")),
    Scene("alice", "execute 1 deploy", Message("The deployment has to wait for the database.")),
    Scene("alice", "execute 1 migrate", Message("An SQL job runs."), ("migrate", ItemStatus.DONE)),
    Scene("alice", "execute 1 deploy", Message("The script fails at first …"), ("deploy", ItemStatus.FAILED)),
    Scene("alice", "show 1", Message("… and the card says so."), with_card=True),
    Scene("alice", "retry 1 deploy", Message("It is tried again."), ("deploy", ItemStatus.DONE)),
    Scene(
        "alice",
        "skip 1 newsletter the text is not ready",
        Message("The last item is left out, so the plan is complete."),
    ),
    Scene("alice", "show 1", Message("This is what the channel's card shows now."), with_card=True),
    Scene("bob", "log 1", Message("And everything is in the operation log."), with_card=True),
)


def settings_for(folder: Path, port: int, language: str) -> Settings:
    """Return the settings of the demonstration, which keeps all its files in one folder."""
    people = [
        {"id": "alice", "name": "Alice", "language": language},
        {"id": "bob", "name": "Bob", "language": language},
        {"id": "carol", "name": "Carol 卡萝", "language": "zh_CN"},
    ]
    return Settings.model_validate(
        {
            "server": {"port": port, "public_url": f"http://127.0.0.1:{port}", "language": language},
            "database": {"url": f"sqlite:///{folder / 'fabu.db'}"},
            "auth": {"admins": ["alice"]},
            "people": people,
            "groups": [{"id": "sre", "members": ["carol"]}],
            "local": {"databases": {"shop": f"sqlite:///{folder / 'shop.db'}"}},
        }
    )


async def play(*, once: bool, port: int, language: str) -> int:
    """Play the release; then stay up until interrupted, unless `once`. Return 0 only if the plan reached success."""
    logging.getLogger("adapters.local").setLevel(logging.ERROR)  # what its own scripts could reach concerns nobody
    with tempfile.TemporaryDirectory(prefix="fabu-demo-") as name:
        settings = settings_for(Path(name), port or _free_port(), language)
        async with run_app(settings) as app, serve_http(app, settings.server.host, settings.server.port) as url:
            show = Show(app[SERVICES], terminal())
            await show.draft()
            await show.play(FIRST_ACT)
            await show.add_missing_part()
            await show.play(SECOND_ACT)
            status = (await show.plan()).status
            if not once:
                await show.invite(url)
                await stop_event().wait()
    return 0 if status is PlanStatus.SUCCESS else 1


class Show:
    """Sends the messages of the demonstration, and prints what each person sees."""

    def __init__(self, services: Services, console: Console) -> None:
        self._services, self._console = services, console
        self._locale = Locale(services.settings.server.language, services.settings.server.timezone)
        self._plan_id = services.ids.new_plan()
        self._content: PlanDraft
        self._sent = 0
        self._changed = asyncio.Event()
        services.engine.listen(lambda _: self._changed.set())

    async def draft(self) -> None:
        """Start the example plan, without the part that a reviewer will miss."""
        content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
        self._content = PlanDraft.model_validate(content)
        incomplete = self._content.model_copy(update={"description": self._content.description.partition("\n\n")[0]})
        self._explain(Message("Alice writes the plan as a YAML file: fabu plan apply config/example_plan.yaml"))
        await self._do(c.Create(plan_id=self._plan_id, draft=incomplete))

    async def add_missing_part(self) -> None:
        """Add the missing part to the plan, which makes a new revision."""
        self._explain(Message("She adds the roll-back to the file and applies it again."))
        await self._do(c.Edit(plan_id=self._plan_id, patch=PlanPatch(description=self._content.description)))

    async def play(self, scenes: Sequence[Scene]) -> None:
        """Play scenes one after the other."""
        for scene in scenes:
            self._explain(scene.why)
            await self._send(scene)
            if scene.until:
                await self._wait(*scene.until)

    async def plan(self) -> Plan:
        """Return the plan as it is now."""
        return await self._services.store.read(lambda reading: reading.plans.get(self._plan_id))

    async def invite(self, url: str) -> None:
        """Print how to join in, with an API token for this server."""
        secret, now = self._services.ids.token(24), self._services.clock.now()
        digest = hashlib.sha256(secret.encode()).hexdigest()
        token = Token(self._services.ids.new(), digest, "alice", "demonstration", now, now + timedelta(days=1))
        await self._services.store.write(lambda writing: writing.people.add_token(token))
        self._explain(Message("The server stays up. Join in from another terminal, as Alice:"))
        self._console.print(f"  export FABU_URL={url} FABU_TOKEN={secret}", soft_wrap=True)
        self._console.print("  .venv/bin/fabu chat")
        self._console.print('  curl -H "Authorization: Bearer $FABU_TOKEN" $FABU_URL/api/v1/plans/1', soft_wrap=True)
        self._explain(Message("Ctrl-C ends it."))

    async def _do(self, command: c.AnyCommand) -> None:
        await self._services.engine.execute(command, self._services.engine.directory.actor("alice", "cli"))

    async def _send(self, scene: Scene) -> None:
        self._sent += 1
        person = self._services.engine.directory.people[scene.person]
        self._console.print(Text(f"{person.name} ▸ {scene.text}", "bold cyan"))
        reply = await self._services.chat(Inbound("cli", scene.person, f"demo-{self._sent}", scene.text))
        self._console.print(reply_view(reply if scene.with_card else replace(reply, card=None), numbered=False))

    async def _wait(self, key: str, status: ItemStatus) -> None:
        """Wait for a run to end. Raises TimeoutError when it does not."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                self._changed.clear()  # before the read, which may miss what changes while it runs
                if next(item.status for item in (await self.plan()).items.values() if item.key == key) is status:
                    return
                await self._changed.wait()

    def _explain(self, message: Message) -> None:
        self._console.print()
        self._console.print(Rule(Text(self._locale.message(message), "dim"), align="left"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
