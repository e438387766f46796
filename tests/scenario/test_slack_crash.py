"""The server is killed, or told to stop, while people work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

import pytest
from aiohttp import ClientError

from config.settings import Settings
from tests.clock import SharedClock
from tests.scenario.chats.slack import CHANNEL, User, cards
from tests.scenario.office import Json, opened, script, stage
from tests.scenario.process import Server, serving
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of
from tests.waiting import PATIENCE, eventually

PLANS = range(1, 11)
ANSWERED_BEFORE_THE_END = 12


class Crowd:
    """Bob approves every plan and Alice runs its workflow, all at once; `answers` is what they were told in time."""

    def __init__(self, alice: User, bob: User) -> None:
        self.alice, self.bob = alice, bob
        self.answers: dict[tuple[str, int], str] = {}
        self.many = asyncio.Event()

    async def work(self) -> None:
        await asyncio.gather(*map(self._see_to, PLANS))

    async def _see_to(self, number: int) -> None:
        for person, verb in ((self.bob, "approve"), (self.alice, "execute")):
            try:
                said = await person.says(f"{verb} {number}" + " deploy" * (verb == "execute"))
            except (ClientError, TimeoutError):
                return
            self.answers[verb, number] = said
            if len(self.answers) >= ANSWERED_BEFORE_THE_END:
                self.many.set()

    def accepted(self, verb: str) -> set[int]:
        """Return the plans for which somebody was told that it is done."""
        words = {"approve": "is now: executing", "execute": "“Deploy” is running"}
        return {number for (asked, number), said in self.answers.items() if asked == verb and words[verb] in said}


@pytest.fixture
async def starts(settings: Settings, slack: SlackSimulator, bob: User, tmp_path: Path) -> Path:
    """The file in which every start of a workflow is written down. The plans wait for Bob."""
    file = tmp_path / "starts"
    file.touch()
    async with opened(settings) as fabu:
        for _ in PLANS:
            deploy = script("deploy", f'echo "$FABU_PLAN" >> {file}; sleep 0.2')
            await fabu.submitted(deploy, stages=[stage("QA", "bob")])
        await bob.until(lambda: len(bob.cards) == len(PLANS))
    return file


async def worked_until(server: Server, crowd: Crowd, slack: SlackSimulator, signal: Signals) -> int:
    """Let the crowd work, and end the server in the midst of it; return its exit code."""
    slack.app_url = f"{server.url}/slack/events"
    work = asyncio.create_task(crowd.work())
    await asyncio.wait_for(crowd.many.wait(), PATIENCE)
    code = await server.end(signal)
    await work
    return code


async def test_a_kill_loses_nothing_that_was_accepted_and_starts_nothing_twice(
    written: Json, settings: Settings, slack: SlackSimulator, alice: User, bob: User, starts: Path
) -> None:
    crowd = Crowd(alice, bob)
    async with serving(written) as server:
        await worked_until(server, crowd, slack, SIGKILL)
    async with opened(settings, SharedClock(slack)) as fabu:
        slack.app_url = f"{fabu.url}/slack/events"
        for number in PLANS:
            again = await bob.says(f"approve {number}")
            assert ("Approved." in again) <= (number not in crowd.accepted("approve"))
            item = await eventually(fabu.item, "deploy", number, wanted=lambda item: item["status"] != "running")
            assert (item["run"] is None) <= (number not in crowd.accepted("execute"))
            await alice.says(f"execute {number} 1" if item["status"] == "todo" else f"skip {number} 1 looked at it")
            await fabu.until_status("success", number)
            events = await fabu.events(number)
            assert (events.count("voted"), events.count("run_requested")) == (1, 1)
        await alice.until(lambda: all("successful" in text_of(card) for card in cards(slack)))
    runs = lines_of(starts)
    assert len(runs) == len(set(runs)), "a workflow was started twice"


async def test_what_was_being_sent_at_the_kill_is_sent_at_the_next_start(
    written: Json, settings: Settings, slack: SlackSimulator, alice: User
) -> None:
    async with opened(settings) as fabu:
        await fabu.submitted()
        [card] = await alice.until(lambda: slack.cards(CHANNEL))
    async with serving(written) as server:
        slack.app_url = f"{server.url}/slack/events"
        slack.fail("chat.update", how="hang")
        await alice.says("execute 1 notes")
        await alice.until(lambda: slack.calls_to("chat.update"))
        await server.end(SIGKILL)
    slack.release()
    async with opened(settings):
        await alice.until(lambda: "successful" in text_of(card))


async def test_what_was_begun_is_finished_when_the_server_is_told_to_stop(
    written: Json, settings: Settings, slack: SlackSimulator, alice: User, bob: User, starts: Path
) -> None:
    crowd = Crowd(alice, bob)
    async with serving(written) as server:
        assert await worked_until(server, crowd, slack, SIGTERM) == 0
    assert "Traceback" not in server.said
    async with opened(settings) as fabu:
        for number in crowd.accepted("approve"):
            assert "voted" in await fabu.events(number)
        for number in crowd.accepted("execute"):
            await fabu.until_status("success", number)
    assert set(lines_of(starts)) >= {str(number) for number in crowd.accepted("execute")}


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines()
