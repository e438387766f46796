"""What people do and see in Slack, in the words of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tests.scenario.office import PATIENCE
from tests.simulators.base import Simulator
from tests.simulators.slack import Action, SlackSimulator
from tests.simulators.slack_answers import Reply
from tests.simulators.slack_reading import NotPossible, find, text_of
from tests.simulators.slack_workspace import Message, View

T = TypeVar("T")
CHANNEL = "C1"
IDS = {"alice": "U1", "bob": "U2", "carol": "U3", "dave": "U4", "erin": "U5"}


@dataclass(frozen=True)
class SharedClock:
    """Lets Fabu go by the clock of a simulator, which a test moves."""

    simulator: Simulator

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.fromtimestamp(self.simulator.clock.now(), UTC)

    def in_(self, **duration: float) -> str:
        """Return a moment from now on, as the API takes it."""
        return (self.now() + timedelta(**duration)).isoformat()


@dataclass(frozen=True)
class User:
    """A person in front of Slack."""

    slack: SlackSimulator
    id: str

    async def types(self, words: str, channel: str = CHANNEL) -> str:
        """Type `/release …` and return what is shown at once; nothing when a modal opens instead."""
        before = len(self.told)
        reply = await self.slack.slash(self.id, channel, words)
        assert reply.problems == []
        return "\n".join(self.told[before:])

    async def clicks(self, action: Action, on: Message | View | None = None) -> Reply:
        """Click a button, as soon as it is shown in a direct message unless told where."""
        return await self.slack.click(self.id, on or await self.card_with(action), action)

    async def fills_in(self, **values: str) -> None:
        """Submit the modal that opens, by the names of its inputs; it is accepted."""
        assert await self._submits(values) == {}

    async def fills_in_wrongly(self, **values: str) -> dict[str, str]:
        """Submit the modal that opens, and return what is said below its inputs."""
        return await self._submits(values)

    async def _submits(self, values: dict[str, str]) -> dict[str, str]:
        view = await self.until(lambda: self.slack.modal(self.id))
        reply = await self.slack.submit_view(self.id, view, values)
        return dict(reply.body["errors"]) if reply.body else {}

    async def opens_home(self) -> View:
        """Open the app's home tab and return it once it is filled."""
        before = self._homes()
        await self.slack.event("app_home_opened", self.id)
        await self.until(lambda: self._homes() > before)
        return self.slack.views.homes[self.id]

    def _homes(self) -> int:
        return sum(
            call.arguments["user_id"] == self.id and call.status == 200 for call in self.slack.calls_to("views.publish")
        )

    async def says(self, words: str, channel: str | None = None) -> None:
        """Mention the bot in a channel, or write to it directly."""
        await self.slack.event("app_mention" if channel else "message.im", self.id, words, channel)

    @property
    def told(self) -> list[str]:
        """What was shown to this person alone, oldest first."""
        return [text_of(message) for message in self.slack.ephemerals(self.id)]

    @property
    def cards(self) -> list[Message]:
        """The cards among the direct messages, oldest first."""
        return [message for message in self.slack.dms(self.id) if message.blocks]

    async def hears(self, words: str, times: int = 1) -> str:
        """Wait until these words were said to this person alone so often; return where they were said."""
        found = await self.until(lambda: [text for text in self.told if words in text][times - 1 :])
        return found[0]

    async def sees(self, *words: str) -> Message:
        """Wait until the newest card among the direct messages shows all these words; return it."""
        return await self.until(lambda: next((c for c in self.cards[-1:] if all(w in text_of(c) for w in words)), None))

    async def card_with(self, action: Action) -> Message:
        """Wait for a direct message with a button; return the newest."""
        return await self.until(lambda: next((c for c in reversed(self.cards) if offers(c, action)), None))

    async def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until something is to be seen in Slack."""
        try:
            return await self.slack.until(condition, PATIENCE)
        except TimeoutError:
            shown = "\n---\n".join([*self.told, *map(text_of, self.cards)])
            raise AssertionError(f"{self.id} waits in vain, and sees\n{shown}") from None


def offers(shown: Message | View, action: Action) -> bool:
    """Tell whether something on the screen has a button."""
    with suppress(NotPossible):
        return bool(find(shown, action))
    return False


def cards(slack: SlackSimulator) -> Iterator[Message]:
    """Yield every lasting card that the bot has posted, wherever it is."""
    for channel in slack.workspace.channels:
        yield from (message for message in slack.messages(channel) if message.blocks and not message.thread_ts)


def thread(slack: SlackSimulator) -> list[str]:
    """Return the lines below the channel's newest card."""
    [*_, card] = [message for message in slack.messages(CHANNEL) if message.blocks]
    return "\n".join(reply.text for reply in slack.messages(CHANNEL, thread=card.ts)).splitlines()
