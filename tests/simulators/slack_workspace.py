"""The state of the simulated workspace: people, channels, messages, views."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .base import Clock
from .slack_reading import interactive

JSON = dict[str, Any]


class Refused(Exception):
    """An API call that Slack answers with ok=false; `messages` go to response_metadata."""

    def __init__(self, error: str, messages: list[str] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages or []

    def answer(self) -> JSON:
        """Return the body of the answer."""
        body: JSON = {"ok": False, "error": self.error}
        return body | {"response_metadata": {"messages": self.messages}} if self.messages else body


@dataclass
class Person:
    """A member of the workspace."""

    id: str
    name: str
    email: str = ""
    deleted: bool = False


@dataclass
class Message:
    """A message as it is shown now; updates change it in place."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    thread_ts: str | None = None
    only_for: str | None = None
    """The one user who sees it, when it is ephemeral."""
    edited: str | None = None
    is_broadcast: bool = False
    """Whether a reply in a thread stands in the channel as well."""
    metadata: JSON | None = None

    def all_blocks(self) -> list[JSON]:
        """Return the blocks of the message and of its attachments, those in containers after the container."""
        blocks = self.blocks + [block for one in self.attachments for block in one.get("blocks", [])]
        return [each for block in blocks for each in (block, *block.get("child_blocks", ()))]


@dataclass
class Channel:
    """A channel, or a direct message when `user` is set."""

    id: str
    name: str
    user: str | None = None
    is_member: bool = True
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)


@dataclass
class View:
    """An open modal or a published home tab."""

    id: str
    user: str
    hash: str
    content: JSON
    root_id: str
    previous_id: str | None = None

    @property
    def blocks(self) -> list[JSON]:
        """The blocks as stored, with the ids that Slack added."""
        return list(self.content["blocks"])

    @property
    def title(self) -> str:
        """The title's text; a home tab has none."""
        return str((self.content.get("title") or {}).get("text", ""))

    def all_blocks(self) -> list[JSON]:
        """Return the blocks of the view."""
        return self.blocks


class Workspace:
    """One team with one app installed in it."""

    team_id = "T0FABU"
    domain = "fabu-test"
    app_id = "A0FABU"
    bot_id = "B0FABU"
    bot_user = "U0FABUBOT"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {self.bot_user: Person(self.bot_user, "fabu")}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Message] = []
        self.has_newest_blocks = True
        """Whether messages may have the blocks that Slack enables one workspace after the other."""
        self.numbers = count(1)

    def next_id(self, prefix: str) -> str:
        """Return an id that was never given before."""
        return f"{prefix}0{next(self.numbers):08X}"

    def timestamp(self) -> str:
        """Return a unique message timestamp of now."""
        return f"{int(self.clock.now())}.{next(self.numbers):06d}"

    def person(self, user: str) -> Person:
        """Return a member, also a deleted one, or refuse with user_not_found."""
        if user not in self.people:
            raise Refused("user_not_found")
        return self.people[user]

    def channel(self, reference: str) -> Channel:
        """Return the channel with that id, or refuse with channel_not_found."""
        if reference not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[reference]

    def destination(self, reference: str) -> Channel:
        """Return where a post to an id, a `#name` or a user goes, or refuse as Slack does."""
        if reference in self.people and not self.people[reference].deleted:
            return self.direct(reference)
        by_name = {channel.name: channel for channel in self.channels.values() if channel.name}
        channel = by_name.get(reference.removeprefix("#")) or self.channel(reference)
        if not channel.is_member:
            raise Refused("not_in_channel")
        if channel.is_archived:
            raise Refused("is_archived")
        return channel

    def direct(self, user: str) -> Channel:
        """Return the direct message channel with a user, opened on first use."""
        known = [channel for channel in self.channels.values() if channel.user == user]
        if known:
            return known[0]
        opened = Channel(self.next_id("D"), "", user)
        self.channels[opened.id] = opened
        return opened

    def message(self, channel: Channel, ts: str) -> Message:
        """Return a lasting message, or refuse with message_not_found."""
        for message in channel.messages:
            if message.ts == ts:
                return message
        raise Refused("message_not_found")

    def wire(self, message: Message) -> JSON:
        """Return a message as Slack writes it in answers and payloads."""
        body: JSON = {"user": message.user, "type": "message", "ts": message.ts, "text": message.text}
        if message.user == self.bot_user:
            body |= {"bot_id": self.bot_id, "app_id": self.app_id}
        body |= {"team": self.team_id, "blocks": message.blocks}
        if message.attachments:
            body["attachments"] = message.attachments
        if message.thread_ts:
            body["thread_ts"] = message.thread_ts
        if message.edited:
            body["edited"] = {"user": message.user, "ts": message.edited}
        return copy.deepcopy(body)

    def with_ids(self, blocks: list[JSON]) -> list[JSON]:
        """Return a copy of valid blocks with the block_ids and action_ids that Slack adds where they are absent."""
        blocks = copy.deepcopy(blocks)
        for block in blocks:
            block.setdefault("block_id", self.next_id("b"))
            if "child_blocks" in block:
                block["child_blocks"] = self.with_ids(block["child_blocks"])
            for element in interactive(block):
                element.setdefault("action_id", self.next_id("a"))
        return blocks
