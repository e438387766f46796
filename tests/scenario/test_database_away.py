"""The database is away for a while: people are told, nothing is lost, and what is due happens afterwards, once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from config.settings import Settings
from tests.clock import SharedClock
from tests.scenario.chats.slack import User, connect
from tests.scenario.office import Fabu, Json, opened, script, stage
from tests.simulators.slack import SlackSimulator
from tests.waiting import eventually

AWAY = "Fabu cannot save this right now. Nothing was changed; please try again in a moment."


@pytest.fixture
def written(written: Json, tmp_path: Path) -> Json:
    """Settings with a database that gives up waiting for another process at once."""
    return written | {"database": {"url": f"sqlite:///{tmp_path}/fabu.db?timeout=0.02"}}


@pytest.fixture
def clock(slack: SlackSimulator) -> SharedClock:
    return SharedClock(slack)


@pytest.fixture
async def fabu(settings: Settings, slack: SlackSimulator, clock: SharedClock) -> AsyncIterator[Fabu]:
    async with opened(settings, clock) as running:
        await connect(slack, running)
        yield running


@contextmanager
def held(tmp_path: Path) -> Iterator[None]:
    """Hold the database, as another process does that writes without an end."""
    with closing(sqlite3.connect(tmp_path / "fabu.db", isolation_level=None)) as other:
        for _ in range(500):
            try:
                other.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:
                continue
        yield
        other.execute("ROLLBACK")


async def test_commands_are_refused_in_words_and_taken_afterwards(fabu: Fabu, bob: User, tmp_path: Path) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await fabu.until_seen("bob")
    with held(tmp_path):
        status, answer = await fabu.request("POST", "/api/v1/plans/1/approve", {}, by="bob")
        assert (status, answer["code"], answer["message"]) == (503, "unavailable", AWAY)
        assert AWAY in await bob.says("approve 1")
    assert await fabu.votes() == []
    assert "Approved." in await bob.says("approve 1")
    assert await fabu.votes() == [("bob", "approve", "")]


async def test_a_run_that_ends_meanwhile_is_recorded_afterwards(fabu: Fabu, tmp_path: Path) -> None:
    end = tmp_path / "end"
    await fabu.submitted(script("deploy", f"echo x >> {tmp_path}/count; until [ -f {end} ]; do sleep 0.02; done"))
    await fabu.api("POST", "/plans/1/items/deploy/execute", {})

    async def runs() -> bool:
        return (tmp_path / "count").exists()

    await eventually(runs, wanted=bool)
    with held(tmp_path):
        end.touch()
        status, _ = await fabu.request("GET", "/readyz")
        assert status == 503
    await fabu.until_status("success")
    assert (tmp_path / "count").read_text() == "x\n"
    assert (await fabu.events()).count("run_ended") == 1


async def test_what_is_due_meanwhile_happens_once_afterwards(fabu: Fabu, slack: SlackSimulator, tmp_path: Path) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")], approval={"expires_in": "1h", "remind_every": None})
    with held(tmp_path):
        slack.clock.advance(3601)
        assert (await fabu.request("GET", "/readyz"))[0] == 503
        assert await fabu.status() == "wait_for_approval", "what can be read is shown"
    await fabu.until_status("timeout")
    assert (await fabu.events()).count("approval_expired") == 1
