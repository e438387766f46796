"""Values at the edges that people type in Slack: names that cannot be seen, and times when clocks are put back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.scenario.chats.slack import KNOWN, User
from tests.scenario.office import Fabu, Json
from tests.simulators.slack import SlackSimulator


@pytest.fixture
def people() -> Mapping[str, Json]:
    """Everybody, with Alice in New York, where clocks go back on 2099-11-01 at 02:00."""
    return {**KNOWN, "alice": {**KNOWN["alice"], "timezone": "America/New_York"}}


async def test_a_blank_name_is_refused_below_its_field(fabu: Fabu, alice: User) -> None:
    await alice.says("new")
    for blank in ("\u200b", "\u3000 "):
        assert (await alice.fills_in_wrongly(Name=blank)).keys() == {"name"}
    assert (await fabu.api("GET", "/plans"))["items"] == []


async def test_both_half_past_one_of_the_night_when_clocks_go_back(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    await alice.says("new")
    wrong = await alice.fills_in_wrongly(Name="Night", Window="2099-11-01 01:30 / 2099-11-01 03:00")
    assert wrong == {
        "window": "clocks change at this time: write its offset from UTC after it, such as 2026-11-01 01:30-04:00"
    }
    await alice.fills_in(Name="Night", Window="2099-11-01 01:30-04:00 / 2099-11-01 01:30-05:00")
    shown = await alice.hears("Plan #1 “Night” is started.")
    assert "2099-11-01 01:30-04:00 America/New_York – 2099-11-01 01:30-05:00 America/New_York" in shown
    window = (await fabu.plan())["window"]
    assert window == {"start": "2099-11-01T05:30:00Z", "end": "2099-11-01T06:30:00Z"}
    assert "clocks change at this time" in await alice.says("replay 2099-11-01 01:30")
