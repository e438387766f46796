"""The vocabulary of scenarios in Feishu."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.feishu.sdk import import_sdk
from core.ports.messenger import Posted
from tests.scenario.chats.vocabulary import Office, Person, Vendor
from tests.scenario.office import PEOPLE, Fabu, Json
from tests.simulators.feishu import FeishuSimulator, Message
from tests.simulators.feishu_approval import Instance
from tests.simulators.feishu_cards import Button, buttons, fields, text_of
from tests.simulators.feishu_platform import Answer, FeishuPlatform
from tests.waiting import PATIENCE, eventually

GROUP = "oc_releases"
ERINS_PHONE = "13800000000"
KNOWN = {name: {"feishu": f"ou_{name}"} for name in ("alice", "bob", "dave")} | {
    "carol": {"email": "carol@example.com"},
    "erin": {"phone": ERINS_PHONE},
}
"""Everybody's accounts: by the open_id, or by the e-mail address or phone that Feishu confirms."""


@dataclass(frozen=True)
class User(Person[Message]):
    """A person who uses Feishu."""

    feishu: FeishuSimulator
    platform: FeishuPlatform
    id: str

    @property
    def simulator(self) -> FeishuSimulator:
        """The simulated Feishu."""
        return self.feishu

    def read(self, card: Message) -> str:
        """Return the text of a card."""
        return text_of(card.content)

    def offers(self, card: Message, button: str) -> bool:
        """Return whether a card has a button."""
        return button_of(card, button) is not None

    async def writes(self, words: str, channel: str = "") -> Message:
        """Write to the bot: with a mention in a group, otherwise in a direct message."""
        answer = await self.platform.write(self.id, words, channel)
        assert (answer.status, answer.body) == (200, {})
        return next(one for one in reversed(self.feishu.messages.values()) if one.sender == self.id)

    async def says(self, words: str, channel: str = "") -> str:
        """Write to the bot and return its reply, a text for this person alone."""
        before = len(self.sentences)
        await self.writes(words, channel)
        return (await self.until(lambda: self.sentences[before:]))[0]

    async def asks(self, words: str, channel: str = "") -> str:
        """Write to the bot and return the text of the card that it posts below the message."""
        asked = await self.writes(words, channel)
        [card] = await self.until(lambda: self.replies_to(asked, "interactive"))
        assert card.chat_id == asked.chat_id
        return text_of(card.content)

    def replies_to(self, message: Message, kind: str) -> list[Message]:
        """Return the bot's messages of one kind below a message."""
        return [m for m in self.feishu.messages.values() if m.parent_id == message.message_id and m.msg_type == kind]

    async def clicks(self, button: str, on: Message | None = None, *, item: str = "", text: str = "") -> str:
        """Click a button, with `text` in the input beside it or in the form that it opens, and return the toast."""
        return (await self.presses(button, on, item=item, text=text)).toast

    async def presses(self, button: str, on: Message | None = None, *, item: str = "", text: str = "") -> Answer:
        """Click a button, with `text` in the input beside it, and return Fabu's whole response.

        A button that opens a form is pressed, and the form is filled in.
        """
        card = on or await self.card_with(button)
        found = await self.until(lambda: button_of(card, button, item))
        if found.text.endswith("…") and "confirm" not in found.element:
            return await self.fills(button, card, item, text)
        typed = dict.fromkeys(fields(found.form), text) if text and found.form else {}
        return await self.platform.click(self.id, card, found.name or found.text, typed, item)

    async def fills(self, button: str, card: Message, item: str, text: str) -> Answer:
        """Click a button that opens a form, fill it in, and return Fabu's response to that."""
        before = len(self.cards)
        await self.platform.click(self.id, card, f"{button}…", beside=item)
        [form] = await self.until(lambda: self.cards[before:])
        submit = button_of(form, button)
        assert submit, text_of(form.content)
        return await self.platform.click(self.id, form, submit.name, dict.fromkeys(fields(submit.form or {}), text))

    @property
    def sentences(self) -> list[str]:
        """The texts that only this person got, oldest first."""
        mine = {m.message_id for m in self.feishu.messages.values() if m.sender == self.id}
        return [
            one.text
            for one in self.feishu.messages_in(self.id)
            if one.msg_type == "post" and (not one.parent_id or one.parent_id in mine)
        ]

    @property
    def cards(self) -> list[Message]:
        """The cards that only this person got, oldest first."""
        return self.feishu.cards_in(self.id)


@dataclass(frozen=True)
class FeishuOffice(Office[User, Message]):
    """One Fabu, one Feishu, and the people who use both."""

    feishu: FeishuSimulator
    platform: FeishuPlatform
    channel = GROUP

    def person(self, name: str) -> User:
        """Return a person who uses Feishu."""
        return User(self.feishu, self.platform, f"ou_{name}")

    @property
    def lasting_cards(self) -> list[Message]:
        """The cards that are kept up to date, oldest first; cards that reply to a message are not."""
        return [m for m in self.feishu.messages.values() if m.msg_type == "interactive" and not m.parent_id]

    @property
    def channel_cards(self) -> list[Message]:
        """The plan cards in the group."""
        return [card for card in self.lasting_cards if card.chat_id == GROUP]

    def thread(self) -> list[str]:
        """Return the lines in the thread of the group's newest plan card."""
        replies = self.alice.replies_to(self.channel_cards[-1], "post")
        return [line.partition(" @ou_")[0] for reply in replies for line in reply.text.splitlines()]

    async def form(self, number: int = 0) -> Instance:
        """Wait until a form is submitted and linked to its plan; return the form."""

        def look() -> Instance | None:
            return next(iter(list(self.feishu.approvals.instances.values())[number:]), None)

        form = await self.alice.until(look)
        await eventually(self.fabu.events, wanted=lambda events: events.count("form_linked") > number)
        return form


def button_of(card: Message, label: str, item: str = "") -> Button | None:
    """Return a button of a card with a label, and beside the name of an item if one is given.

    The label of a button that opens a form ends with an ellipsis.
    """
    for one in buttons(card.content):
        if one.text in (label, f"{label}…") and item in one.beside:
            return one
    return None


def by_form(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is decided in Feishu's approval form."""
    return FEISHU.stage(name, *approvers, channel="feishu_instance", **fields)


def section_for(feishu: FeishuSimulator, **fields: Any) -> Json:
    """Return the settings of the app."""
    return {
        "app_id": feishu.app_id,
        "app_secret": feishu.app_secret,
        "verification_token": feishu.verification_token,
        "encrypt_key": feishu.encrypt_key,
        "domain": feishu.url,
        "chat_id": GROUP,
        **fields,
    }


@asynccontextmanager
async def open_simulator() -> AsyncIterator[FeishuSimulator]:
    """Run a Feishu with an account for everybody, and the group of releases."""
    await import_sdk("lark_oapi")  # which takes longer than a test waits when the machine is busy
    async with FeishuSimulator() as feishu:
        for name in PEOPLE:
            mobile = f"+86{ERINS_PHONE}" if name == "erin" else ""
            feishu.add_user(f"ou_{name}", email=f"{name}@example.com", mobile=mobile)
        feishu.add_chat(GROUP)
        yield feishu


async def connect(feishu: FeishuSimulator, fabu: Fabu) -> FeishuOffice:
    """Let Feishu reach Fabu, over HTTP or over the long connection that Fabu opens."""
    if fabu.services.settings.feishu.mode == "http":
        return FeishuOffice(fabu, feishu, FeishuPlatform(feishu, f"{fabu.url}/feishu/events"))
    await feishu.until(lambda: feishu.sockets.open, PATIENCE)
    return FeishuOffice(fabu, feishu, FeishuPlatform(feishu))


def seen(feishu: FeishuSimulator, chat: str) -> list[str]:
    """Return the texts that the bot has sent to a chat or to a user."""
    return [m.text if m.msg_type == "post" else text_of(m.content) for m in feishu.messages_in(chat)]


def remove(feishu: FeishuSimulator, posted: Posted) -> None:
    """Recall a message."""
    feishu.messages[posted.message].recalled = True


FEISHU = Vendor(
    name="feishu",
    posting="im.message.create",
    simulator=open_simulator,
    section=section_for,
    people=KNOWN,
    account="ou_{}".format,
    connect=connect,
    seen=seen,
    remove=remove,
)
