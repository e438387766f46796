"""What administrators are told of external systems that take nothing any more, and how they mend it from a chat."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.clock import SharedClock
from tests.scenario.chats.everywhere import Everywhere, everywhere
from tests.scenario.hooked import endpoint
from tests.scenario.office import Json, step
from tests.simulators.receiver import Answer, Receiver
from tests.waiting import eventually

ADMINS = {"auth": {"admins": ["bob", "carol", "erin"]}}
"""One in each chat."""


def told_to(receiver: Receiver) -> Json:
    hooks = {"endpoints": [endpoint("ci", receiver)], "allow_internal": ["127.0.0.0/8"], "wait_for_callback": False}
    return {"hooks": hooks, **ADMINS}


async def finished(case: Everywhere) -> Json:
    """A plan that was finished, whose hook came to an end."""
    plan: Json = await case.fabu.draft(step("notes"))
    await case.fabu.api("POST", f"/plans/{plan['id']}/finish", {})
    await ended(case, plan)
    return plan


async def ended(case: Everywhere, plan: Json) -> Any:
    async def hooks() -> Any:
        listed = (await case.fabu.api("GET", f"/plans/{plan['id']}/deliveries"))["items"]
        return [delivery for delivery in listed if delivery["kind"] == "hook"]

    return await eventually(hooks, wanted=lambda found: found[0]["state"] in ("done", "dead"))


async def alarms(case: Everywhere, words: str) -> list[int]:
    """Return how many cards with these words there are, chat by chat, once nothing is on its way."""

    async def pending() -> Any:
        listed = (await case.fabu.api("GET", "/deliveries?limit=100"))["items"]
        return [one for one in listed if one["kind"] == "alarm" and one["state"] != "done"]

    await eventually(pending, wanted=lambda found: not found)
    return [sum(words in text for text in texts) for texts in case.cards().values()]


async def test_administrators_are_told_once_when_a_receiver_is_gone(tmp_path: Path) -> None:
    async with Receiver() as receiver, everywhere(tmp_path, **told_to(receiver)) as case:
        receiver.script(Answer(410))
        await finished(case)
        assert await alarms(case, "ci is told nothing any more") == [1, 1, 1]
        assert await alarms(case, "it answered 410 (Gone)") == [1, 1, 1]
        refused = await finished(case)
        assert "disabled" in (await ended(case, refused))[0]["error"]
        assert await alarms(case, "ci is told nothing any more") == [1, 1, 1]
        assert len(receiver.hooks) == 1

        said = await case.slack.bob.says(f"replay {refused['number']}")
        assert said == "Deliveries that begin again: 1."
        await receiver.until(lambda: len(receiver.hooks) == 2)
        await ended(case, refused)
        assert "Deliveries that begin again: 1." in await case.feishu.carol.says("replay 1")
        await receiver.until(lambda: len(receiver.hooks) == 3)
        assert "Nothing of it was given up" in await case.dingtalk.erin.says("replay 1")
        assert "Only administrators" in await case.slack.alice.says("replay 2000-01-01")
        events = await eventually(case.fabu.events, 1, wanted=lambda found: found[-1] == "told")
        assert events[events.index("untold") :] == ["untold", "endpoint_disabled", "replayed", "told"]
        log = await case.slack.bob.says("log 1")
        assert "ci is told nothing any more — it answered 410 (Gone)" in log
        assert await case.fabu.head(1) in log


async def test_administrators_are_told_of_a_receiver_that_only_fails_for_five_days(tmp_path: Path) -> None:
    async with Receiver() as receiver, everywhere(tmp_path, SharedClock, **told_to(receiver)) as case:
        bob = case.slack.bob
        with receiver.outage(status=503, how="answer"):
            plan = await case.fabu.draft(step("notes"))
            await case.fabu.api("POST", f"/plans/{plan['id']}/finish", {})
            await receiver.until(lambda: receiver.calls)
            case.slack.slack.clock.advance(6 * 24 * 3600)
            await asyncio.gather(*(finished(case) for _ in range(3)))
            await bob.sees("ci is told nothing any more", "it has done nothing but fail for five days")
            assert (await alarms(case, "ci is told nothing any more"))[0] == 1
