"""Whoever knows a plan's instance code can answer for an external system: who reads it, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.zadig.openapi.endpoints import PATH as ZADIG
from core.ports.store import Reading
from tests.scenario.hooked import Fabu, fabu, settings_for
from tests.scenario.office import Json
from tests.scenario.walking import read_everything
from tests.simulators.receiver import Answer, Receiver


async def revised(running: Fabu, receiver: Receiver) -> tuple[Json, set[str]]:
    """Return a plan with a hook whose receiver sends the code back, and all codes that it has had."""
    plan = await running.draft()
    known = (await running.call("GET", f"/plans/{plan['id']}", by="root"))["instance_code"]
    receiver.script(Answer(500, f"I do not know {known}".encode()))
    await running.call("POST", f"/plans/{plan['id']}/finish")
    await running.settled(plan)
    await running.call("POST", f"/plans/{plan['id']}/replan")
    edited = await running.call("PATCH", f"/plans/{plan['id']}", name="Release, mended")
    copied = await running.call("POST", f"/plans/{plan['id']}/copy", by="bob")
    assert (edited["instance_code"], copied["instance_code"]) == ("", "")

    def load(reading: Reading) -> set[str]:
        plans = [plan["id"], copied["id"]]
        present = {reading.plans.get(each).instance_code for each in plans}
        return present | {version.instance_code for each in plans for version in reading.plans.versions(each)}

    codes = await running.services.store.read(load)
    assert known in codes
    assert len(codes) == 3
    assert "" not in codes
    return edited, codes


async def test_the_code_is_shown_to_administrators_alone_and_logged_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        plan, codes = await revised(running, receiver)

        async def shown_to(person: str) -> set[str]:
            read = await read_everything(running.running, person, plan)
            return {asked for asked, answer in read.items() if any(code in answer for code in codes)}

        assert [await shown_to(person) for person in ("alice", "bob")] == [set(), set()]
        of_plan = f"/api/v1/plans/{plan['id']}"
        assert await shown_to("root") == {"/api/v1/plans", of_plan, f"{of_plan}/versions", f"{ZADIG}/{plan['id']}"}
        usual = await running.call("POST", "/tokens", by="root", name="usual")
        limited = replace(running.running, tokens={**running.running.tokens, "root": usual["secret"]})
        running = replace(running, running=limited)
        assert await shown_to("root") == set(), "a token without the scope acts for no administrator"
    assert "hook" in caplog.text
    assert not any(code in caplog.text for code in codes)
