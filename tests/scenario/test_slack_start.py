"""Slack's API cannot be called when Fabu starts, so that it is not known which team is ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adapters.common.texts import NOT_NOW
from config.settings import Settings
from tests.scenario.chats.slack import User, connect
from tests.scenario.office import Fabu, opened
from tests.simulators.base import How
from tests.simulators.slack import SlackSimulator

TRY_AGAIN = NOT_NOW.format(chat="Slack")


@pytest.fixture(params=["close", "hang"])
def how(request: pytest.FixtureRequest) -> How:
    """Slack is away, or does not answer."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def outage(slack: SlackSimulator, how: How) -> Iterator[ExitStack]:
    """The outage of the API, which ends when it is closed."""
    with ExitStack() as stack:
        stack.callback(slack.release)
        stack.enter_context(slack.outage("auth.test", how=how))
        yield stack


@pytest.fixture
async def fabu(settings: Settings, slack: SlackSimulator, outage: ExitStack) -> AsyncIterator[Fabu]:
    """A server that was started in the outage."""
    async with opened(settings) as running:
        await connect(slack, running)
        yield running
        outage.close()


def mention(slack: SlackSimulator, user: User, text: str) -> dict[str, Any]:
    """Return the event of a message in a channel."""
    said = slack.say(user.id, "C1", text)
    team = slack.workspace.team_id
    return {"type": "app_mention", "user": user.id, "channel": "C1", "team": team, "text": text, "ts": said.ts}


async def test_a_command_and_a_click_are_answered_and_carried_out_once_slack_is_back(
    fabu: Fabu, slack: SlackSimulator, outage: ExitStack, bob: User
) -> None:
    assert await bob.says("list mine") == TRY_AGAIN
    button = {"channel": "C1", "message_ts": "1.1", "action_id": "home", "value": ""}
    await slack.click_raw(bob.id, **button, response_url=slack.response_url("C1", bob.id))
    await bob.hears(TRY_AGAIN, times=2)
    outage.close()
    assert "Nothing is waiting for you." in await bob.says("list mine")


async def test_a_message_is_sent_again_by_slack(
    fabu: Fabu, slack: SlackSimulator, outage: ExitStack, bob: User
) -> None:
    event = mention(slack, bob, "list mine")
    assert (await slack.event_raw(event, event_id="Ev1")).status == 503
    outage.close()
    assert (await slack.event_raw(event, event_id="Ev1", retry=(1, "http_error"))).status == 200
    await bob.until(lambda: slack.messages("C1", thread=event["ts"]))


class TestSocket:
    """The same over Socket Mode."""

    @pytest.fixture
    def sections(self) -> dict[str, Any]:
        return {"slack": {"mode": "socket", "signing_secret": ""}}

    async def test_a_command_is_answered_and_a_message_is_not_acknowledged(
        self, fabu: Fabu, slack: SlackSimulator, outage: ExitStack, bob: User
    ) -> None:
        assert await bob.says("list mine") == TRY_AGAIN
        with pytest.raises(TimeoutError):
            await slack.event_raw(mention(slack, bob, "list mine"))
        outage.close()
        assert "Nothing is waiting for you." in await bob.says("list mine")
