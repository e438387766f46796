"""The vocabulary of scenarios in Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from core.ports.messenger import Posted
from tests.scenario.chats.vocabulary import Office, Person, Vendor
from tests.scenario.office import PEOPLE, Fabu, Json
from tests.simulators.slack import Action, SlackSimulator
from tests.simulators.slack_reading import NotPossible, find, interactive, is_card, label_of, text_of, texts
from tests.simulators.slack_workspace import Message, View

CHANNEL = "C1"
IDS = {name: f"U{number}" for number, name in enumerate(PEOPLE, 1)}
KNOWN = {name: {"slack": IDS[name]} for name in ("alice", "bob", "dave")} | {
    name: {"email": f"{name}@example.com"} for name in ("carol", "erin")
}
"""Everybody's accounts: by the user id, or by the e-mail address that Slack confirms."""


@dataclass(frozen=True)
class User(Person[Message]):
    """A person who uses Slack."""

    slack: SlackSimulator
    id: str

    @property
    def simulator(self) -> SlackSimulator:
        """The simulated Slack."""
        return self.slack

    @property
    def sentences(self) -> list[str]:
        """The texts that only this person got, without the cards of plans, oldest first."""
        direct = [m for m in self.slack.dms(self.id) if not is_card(m) and not m.thread_ts]
        shown = sorted(direct + self.slack.ephemerals(self.id), key=lambda message: float(message.ts))
        return list(map(text_of, shown))

    @property
    def cards(self) -> list[Message]:
        """The cards among the direct messages, oldest first."""
        return [message for message in self.slack.dms(self.id) if is_card(message)]

    def read(self, card: Message | View) -> str:
        """Return the text of a message or a view."""
        return text_of(card)

    def offers(self, card: Message | View, button: str) -> bool:
        """Return whether a message or a view has a button, or several of it."""
        with suppress(NotPossible):
            return bool(find(card, button))
        return any(button in _labels(block) for block in card.all_blocks())

    async def writes(self, words: str, channel: str = "") -> None:
        """Write to the bot: with a mention in a channel, otherwise in a direct message."""
        await self.slack.event("app_mention" if channel else "message.im", self.id, words, channel or None)

    async def says(self, words: str, channel: str = "") -> str:
        """Type `/release …` in a channel and return the reply; empty when a modal opens instead."""
        before = len(self.sentences)
        reply = await self.slack.slash(self.id, channel or CHANNEL, words)
        assert reply.problems == []
        await self.until(lambda: self.slack.modal(self.id) or self.sentences[before:])  # late ones come by response_url
        return "\n".join(self.sentences[before:])

    async def clicks(self, button: str, on: Message | View | None = None, *, item: str = "", text: str = "") -> str:
        """Click a button and submit the modal that opens, unless it requires a text and `text` is empty."""
        shown = on or await self.card_with(button)
        while left := self.slack.modal(self.id):
            await self.slack.close_view(self.id, left)
        sent, posted = len(self.sentences), len(self.cards)

        def answers() -> list[str]:
            """Return the new replies. Only the home tab opens cards; elsewhere new cards are no replies."""
            cards = self.cards[posted:] if isinstance(shown, View) else []
            return [*self.sentences[sent:], *map(text_of, cards)]

        await self.slack.click(self.id, shown, _action(shown, button, item))
        await self.until(lambda: self.slack.modal(self.id) or answers())
        if view := self.slack.modal(self.id):
            [entry] = (block for block in view.blocks if block["type"] == "input")
            if not text and not entry.get("optional"):
                return text_of(view)
            await self.fills_in(**{entry["block_id"]: text})
        return (await self.until(answers))[0]

    async def fills_in(self, **values: str) -> None:
        """Submit the modal that opens, with values by the names of its inputs; it must be accepted."""
        assert await self._submits(values) == {}

    async def fills_in_wrongly(self, **values: str) -> dict[str, str]:
        """Submit the modal that opens, and return the errors below its inputs."""
        return await self._submits(values)

    async def _submits(self, values: dict[str, str]) -> dict[str, str]:
        view = await self.until(lambda: self.slack.modal(self.id))
        reply = await self.slack.submit_view(self.id, view, values)
        return dict(reply.body["errors"]) if reply.body else {}

    async def opens_home(self) -> View:
        """Open the app's home tab and return its view once it has content."""
        before = self._homes()
        await self.slack.event("app_home_opened", self.id)
        await self.until(lambda: self._homes() > before)
        return self.slack.views.homes[self.id]

    def _homes(self) -> int:
        return sum(
            call.arguments["user_id"] == self.id and call.status == 200 for call in self.slack.calls_to("views.publish")
        )


@dataclass(frozen=True)
class SlackOffice(Office[User, Message]):
    """One Fabu, one Slack, and the people who use both."""

    slack: SlackSimulator
    channel = CHANNEL

    @property
    def channel_cards(self) -> list[Message]:
        """The plan cards in the channel."""
        return [message for message in self.slack.messages(CHANNEL) if is_card(message) and not message.thread_ts]

    @property
    def lasting_cards(self) -> list[Message]:
        """All cards that the bot has posted, in all places."""
        return cards(self.slack)

    def person(self, name: str) -> User:
        """Return a person who uses Slack."""
        return User(self.slack, IDS[name])

    def thread(self) -> list[str]:
        """Return the lines below the channel's newest card."""
        return thread(self.slack)


def cards(slack: SlackSimulator) -> list[Message]:
    """Return all lasting cards that the bot has posted, in all places."""
    posted = (message for channel in slack.workspace.channels for message in slack.messages(channel))
    return [message for message in posted if is_card(message) and not message.thread_ts]


def thread(slack: SlackSimulator) -> list[str]:
    """Return the lines below the channel's newest card."""
    [*_, card] = [message for message in slack.messages(CHANNEL) if is_card(message)]
    replies = slack.messages(CHANNEL, thread=card.ts)
    return [line.partition(" @U")[0] for reply in replies for line in text_of(reply).splitlines()]


def section_for(slack: SlackSimulator, **fields: Any) -> Json:
    """Return the settings of the app."""
    return {
        "bot_token": slack.bot_token,
        "signing_secret": slack.signing_secret,
        "app_token": slack.app_token,
        "api_url": slack.api_url,
        "channel": CHANNEL,
        "response_hosts": ["127.0.0.1"],
        **fields,
    }


@asynccontextmanager
async def open_simulator() -> AsyncIterator[SlackSimulator]:
    """Run a workspace with an account for everybody. At the end Slack must have no complaints."""
    async with SlackSimulator() as slack:
        for name, user in IDS.items():
            slack.add_user(user, name, f"{name}@example.com")
        slack.add_channel(CHANNEL, "releases")
        yield slack
        assert slack.complaints == []


async def connect(slack: SlackSimulator, fabu: Fabu) -> SlackOffice:
    """Let Slack reach Fabu, over HTTP or over the socket that Fabu opens."""
    slack.app_url = f"{fabu.url}/slack/events"
    if fabu.services.settings.slack.mode == "socket":
        await slack.socket_connected()
    return SlackOffice(fabu, slack)


def _labels(block: Json) -> list[str]:
    """Return the labels of the buttons in a block."""
    return [label_of(element) for element in interactive(block)]


def _action(shown: Message | View, button: str, item: str) -> Action:
    """Return a button in the form of `slack_reading.find`: the button of an item is found by its block."""
    row = ""
    for block in shown.all_blocks():
        row = "\n".join(texts(block)) if block["type"] in ("section", "rich_text") else row
        if item and item in row and button in _labels(block):
            return block["block_id"], button
    return button


def seen(slack: SlackSimulator, chat: str) -> list[str]:
    """Return the texts that the bot has sent to a channel or to a user."""
    return list(map(text_of, slack.dms(chat) if chat in slack.workspace.people else slack.messages(chat)))


def remove(slack: SlackSimulator, posted: Posted) -> None:
    """Delete a message."""
    channel = slack.workspace.channel(posted.channel)
    channel.messages.remove(slack.workspace.message(channel, posted.message))


SLACK = Vendor(
    name="slack",
    posting="chat.postMessage",
    simulator=open_simulator,
    section=section_for,
    people=KNOWN,
    account=IDS.__getitem__,
    connect=connect,
    seen=seen,
    remove=remove,
    keyed=False,
)
