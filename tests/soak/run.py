"""One soak: servers, people who release, and trouble for some seconds; then the verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from adapters.store.migrate import upgrade
from config.settings import Settings
from tests.scenario.chats.slack import KNOWN, cards, open_simulator, section_for
from tests.scenario.hooked import SECRET, endpoint
from tests.scenario.mounts import Disk
from tests.scenario.office import Json, opened, written_for
from tests.scenario.process import run_fabu
from tests.simulators.receiver import Receiver
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.soak import verdict
from tests.soak.crowd import Crowd
from tests.soak.fleet import Fleet, Replica
from tests.soak.trouble import Troubles

_PEOPLE_AT_ONCE = 3
_SETTLED = 60.0
"""Seconds within which people must be done, and then everything be delivered, once nothing goes wrong any more."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a soak was, and what does not hold after it."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        held = "everything holds" if not self.problems else f"{len(self.problems)} problems:"
        return "\n".join((*self.lines, held, *self.problems))


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a soak takes place: a folder, perhaps on a `disk` of its own; PostgreSQL at a `database`, else SQLite.

    `faketime` is the library that gives a process another time, if there is one.
    """

    folder: Path
    database: str = ""
    disk: Disk | None = None
    faketime: Path | None = None


async def soak(ground: Ground, seconds: float, seed: int) -> Report:
    """Let people release for so many seconds while things go wrong; then settle, and judge."""
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(open_simulator())
        receiver = await stack.enter_async_context(Receiver(SECRET))
        session = await stack.enter_async_context(ClientSession())
        written = _written(ground, slack, receiver)
        if ground.database:
            await asyncio.to_thread(upgrade, ground.database)
        async with opened(Settings.model_validate(written)) as fabu:
            tokens = fabu.tokens
        fleet = await stack.enter_async_context(_fleet(ground, written, chance))
        before, starts = fleet.use(), ground.folder / "starts"
        starts.touch()
        crowd = Crowd(fleet, session, tokens, str(starts))
        troubles = Troubles(
            fleet, chance, slack=slack, receiver=receiver, database=ground.database, disk=ground.disk,
            clocks=ground.faketime is not None,
        )  # fmt: skip
        until = time.monotonic() + seconds
        people = [asyncio.create_task(crowd.work(until)) for _ in range(_PEOPLE_AT_ONCE)]
        await troubles.go_on(until)
        await fleet.start()
        _, late = await asyncio.wait(people, timeout=_SETTLED)
        for task in late:
            task.cancel()
        problems = [f"#{each.number}: its people still work on it" for each in crowd.releases if not each.complete]
        problems += [*await _settle(crowd, slack), *crowd.faults, *await verdict.judge_log(crowd)]
        problems += verdict.judge_use(before, fleet.use())
        await fleet.stop()
        numbers = [release.number for release in crowd.releases]
        problems += [*verdict.judge_starts(starts), *verdict.judge_hooks(receiver.hooks, numbers)]
        problems += [*verdict.judge_logs(fleet), *await _judge_chains(written)]
        lines = _describe(crowd, troubles, len(receiver.hooks), len(slack.calls))
        store = "PostgreSQL, two servers" if ground.database else "SQLite, one server"
        return Report((f"{store}: {seconds:.0f} s, seed {seed}", *lines), tuple(problems))


def _written(ground: Ground, slack: SlackSimulator, receiver: Receiver) -> Json:
    hooks = {
        "endpoints": [endpoint("ci", receiver, events=list(verdict.HOOKS))],
        "allow_internal": ["127.0.0.0/8"],
        "wait_for_callback": False,
    }
    sections: dict[str, Any] = {"slack": section_for(slack), "hooks": hooks}
    if ground.database:
        sections["database"] = {"url": ground.database}
    written = written_for(ground.folder, KNOWN, **sections)
    written["server"]["secret_key"] = "soak"
    return written


@asynccontextmanager
async def _fleet(ground: Ground, written: Json, chance: random.Random) -> AsyncIterator[Fleet]:
    """Run two servers on PostgreSQL, one on SQLite."""
    replicas = []
    for name in ("one", "two") if ground.database else ("one",):
        local, clock = {**written["local"], "work_dir": f"{ground.folder}/{name}"}, ground.folder / f"{name}.clock"
        clock.write_text("+0\n")
        variables = {
            "LD_PRELOAD": str(ground.faketime),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_CACHE_DURATION": "1",  # seconds: to read the file at each look at the clock takes half a core
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        replicas.append(Replica(name, written | {"local": local}, variables if ground.faketime else {}, clock))
    fleet = Fleet(replicas, chance)
    await fleet.start()
    try:
        yield fleet
    finally:
        await asyncio.gather(*(each.kill() for each in replicas))


async def _settle(crowd: Crowd, slack: SlackSimulator) -> list[str]:
    """Wait until everything is delivered and the cards are true; return what is not in time."""
    deadline, left = time.monotonic() + _SETTLED, ["nothing was looked at"]
    while left and time.monotonic() < deadline:
        deliveries = (await crowd.ask("dave", "GET", "/deliveries?state=pending&limit=100"))["items"]
        left = [f"not delivered: {each['kind']} {each['destination']} {each['error']}" for each in deliveries]
        left = left or _untrue(crowd, slack)
        await asyncio.sleep(0.5)
    return left


def _untrue(crowd: Crowd, slack: SlackSimulator) -> list[str]:
    """Return the plans without a card in the channel that says that they are complete."""
    texts = [text_of(card).splitlines() for card in cards(slack)]
    said = {lines[0].partition(" ")[0] for lines in texts if lines and "successful" in "\n".join(lines)}
    return [f"#{each.number}: its card is not true" for each in crowd.releases if f"#{each.number}" not in said]


async def _judge_chains(written: Json) -> list[str]:
    code, said = await run_fabu("audit", "verify", written=written, variables={})
    return [f"audit verify: {said}"] if code else []


def _describe(crowd: Crowd, troubles: Troubles, hooks: int, calls: int) -> tuple[str, ...]:
    accepted = sum(sum(release.accepted.values()) for release in crowd.releases)
    return (
        f"{len(crowd.releases)} releases, {accepted} commands acknowledged, {crowd.requests} requests",
        f"{hooks} hooks received, {calls} calls of the vendor",
        f"trouble: {', '.join(troubles.caused)}",
    )
