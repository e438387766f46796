"""A restart: what was stored is used again, and nothing is asked of the vendor a second time."""

from __future__ import annotations

from config.settings import Settings
from tests.scenario.chats.slack import User, connect
from tests.scenario.office import opened, stage
from tests.simulators.slack import SlackSimulator


async def test_who_was_found_by_address_is_known_after_a_restart(
    settings: Settings, slack: SlackSimulator, carol: User
) -> None:
    for _ in range(2):
        async with opened(settings) as fabu:
            await connect(slack, fabu)
            assert "Nothing is waiting for you." in await carol.says("list mine")
    assert [call.arguments["user"] for call in slack.calls_to("users.info")] == [carol.id]


async def test_a_vote_after_a_restart_counts_for_who_was_found_before(
    settings: Settings, slack: SlackSimulator, carol: User
) -> None:
    async with opened(settings) as fabu:
        await connect(slack, fabu)
        await fabu.submitted(stages=[stage("QA", "carol")])
        card = await carol.card_with("Approve")
    async with opened(settings) as fabu:
        await connect(slack, fabu)
        assert "Approved." in await carol.clicks("Approve", on=card)
        assert await fabu.votes() == [("carol", "approve", "")]
