"""A running Fabu beside a simulated Feishu, and what people do and see there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario.office import PATIENCE, PEOPLE, Fabu, Json, eventually, opened, stage, written_for
from tests.simulators.feishu import FeishuSimulator, Message
from tests.simulators.feishu_approval import Instance
from tests.simulators.feishu_cards import Button, buttons, fields, text_of
from tests.simulators.feishu_platform import Answer, FeishuPlatform

T = TypeVar("T")
GROUP = "oc_releases"
KNOWN = ("alice", "bob", "dave")
"""People whose open_id is in the settings; Carol is found by her e-mail address, Erin by her phone."""
ERINS_PHONE = "13800000000"


@dataclass(frozen=True)
class User:
    """A person in front of Feishu."""

    feishu: FeishuSimulator
    platform: FeishuPlatform
    id: str

    async def writes(self, words: str, chat: str = "") -> Message:
        """Write to the bot: in a group by mentioning it, else to it alone."""
        answer = await self.platform.write(self.id, words, chat)
        assert (answer.status, answer.body) == (200, {})
        return next(one for one in reversed(self.feishu.messages.values()) if one.sender == self.id)

    async def says(self, words: str, chat: str = "") -> str:
        """Write to the bot, and return the sentence that it answers for this person alone."""
        before = len(self.told)
        await self.writes(words, chat)
        return (await self.until(lambda: self.told[before:]))[0]

    async def asks(self, words: str, chat: str = "") -> str:
        """Write to the bot, and return what is read on the card that it answers below."""
        asked = await self.writes(words, chat)
        [card] = await self.until(lambda: self.replies_to(asked, "interactive"))
        assert card.chat_id == asked.chat_id
        return text_of(card.content)

    def replies_to(self, message: Message, kind: str) -> list[Message]:
        """Return what the bot wrote below a message."""
        return [m for m in self.feishu.messages.values() if m.parent_id == message.message_id and m.msg_type == kind]

    async def clicks(self, button: str, on: Message | None = None, *, item: str = "", text: str = "") -> Answer:
        """Click a button, of an item where one is named, as soon as a card to this person shows it unless told where.

        `text` is what is typed into the input beside it.
        """
        card = on or await self.card_with(button)
        found = await self.until(lambda: button_of(card, button, item))
        typed = dict.fromkeys(fields(found.form), text) if text and found.form else {}
        return await self.platform.click(self.id, card, found.name or button, typed)

    @property
    def told(self) -> list[str]:
        """The sentences that were said to this person alone, oldest first."""
        mine = {m.message_id for m in self.feishu.messages.values() if m.sender == self.id}
        return [
            one.text
            for one in self.feishu.messages_in(self.id)
            if one.msg_type == "text" and (not one.parent_id or one.parent_id in mine)
        ]

    @property
    def cards(self) -> list[Message]:
        """The cards to this person alone, oldest first."""
        return self.feishu.cards_in(self.id)

    async def sees(self, *words: str) -> Message:
        """Wait until the newest card to this person shows all these words; return it."""
        return await self.until(lambda: next((c for c in self.cards[-1:] if shows(c, *words)), None))

    async def card_with(self, button: str) -> Message:
        """Wait for a card to this person with a button; return the newest."""
        return await self.until(lambda: next((c for c in reversed(self.cards) if button_of(c, button)), None))

    async def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until something is to be seen in Feishu."""
        try:
            return await self.feishu.until(condition, PATIENCE)
        except TimeoutError:
            read = [text_of(message.content) for message in self.feishu.cards_in(GROUP) + self.cards]
            raise AssertionError("\n---\n".join([f"{self.id} waits in vain, and sees", *self.told, *read])) from None


@dataclass(frozen=True)
class Office:
    """One Fabu, one Feishu, and the people who use both."""

    fabu: Fabu
    feishu: FeishuSimulator
    platform: FeishuPlatform

    def user(self, name: str) -> User:
        """Return one of the people in front of Feishu."""
        return User(self.feishu, self.platform, f"ou_{name}")

    @property
    def alice(self) -> User:
        """The manager of plans."""
        return self.user("alice")

    @property
    def bob(self) -> User:
        """An approver."""
        return self.user("bob")

    @property
    def carol(self) -> User:
        """A member of the group sre."""
        return self.user("carol")

    @property
    def dave(self) -> User:
        """An administrator."""
        return self.user("dave")

    @property
    def erin(self) -> User:
        """A member of the group sre."""
        return self.user("erin")

    @property
    def lasting(self) -> list[Message]:
        """The cards that are kept up to date, unlike those that answer a message, oldest first."""
        return [m for m in self.feishu.messages.values() if m.msg_type == "interactive" and not m.parent_id]

    @property
    def group_cards(self) -> list[Message]:
        """The cards of plans in the group."""
        return [card for card in self.lasting if card.chat_id == GROUP]

    async def group_card(self, *words: str) -> Message:
        """Wait until the newest card of a plan in the group shows all these words; return it."""
        return await self.alice.until(lambda: next((c for c in self.group_cards[-1:] if shows(c, *words)), None))

    def thread(self) -> list[str]:
        """Return the lines below the group's newest plan card."""
        replies = self.alice.replies_to(self.group_cards[-1], "text")
        return "\n".join(reply.text for reply in replies).splitlines()

    async def until_all_cards_show(self, *words: str) -> list[Message]:
        """Wait until every lasting card shows all these words; return the cards."""
        return await self.alice.until(
            lambda: self.lasting if all(shows(card, *words) for card in self.lasting) else None
        )

    async def form(self, number: int = 0) -> Instance:
        """Wait until a form is submitted and followed; return it."""

        def look() -> Instance | None:
            return next(iter(list(self.feishu.approvals.instances.values())[number:]), None)

        form = await self.alice.until(look)
        await eventually(self.fabu.events, wanted=lambda events: events.count("form_linked") > number)
        return form


def shows(card: Message, *words: str) -> bool:
    """Tell whether a card shows all these words."""
    text = text_of(card.content)
    return all(word in text for word in words)


def button_of(card: Message, label: str, item: str = "") -> Button | None:
    """Return a button of a card, beside the name of an item if one is given."""
    for one in buttons(card.content):
        if one.text == label and item in json.dumps(one.form, ensure_ascii=False):
            return one
    return None


def in_feishu(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is asked for by cards in Feishu."""
    return stage(name, *approvers, **{"channel": "feishu", **fields})


def by_form(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is decided in an approval form of Feishu."""
    return in_feishu(name, *approvers, channel="feishu_instance", **fields)


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


def known_people() -> dict[str, Json]:
    """Return how Fabu knows each of them."""
    by_id: dict[str, Json] = {name: {"feishu": f"ou_{name}"} for name in KNOWN}
    return by_id | {"carol": {"email": "carol@example.com"}, "erin": {"phone": ERINS_PHONE}}


@asynccontextmanager
async def platform_of() -> AsyncIterator[FeishuSimulator]:
    """Run a Feishu in which everybody has an account, and the group of releases."""
    async with FeishuSimulator() as feishu:
        for name in PEOPLE:
            mobile = f"+86{ERINS_PHONE}" if name == "erin" else ""
            feishu.add_user(f"ou_{name}", email=f"{name}@example.com", mobile=mobile)
        feishu.add_chat(GROUP)
        yield feishu


@asynccontextmanager
async def office(
    folder: Path, clock: Callable[[FeishuSimulator], Clock] | None = None, language: str = "en", **fields: Any
) -> AsyncIterator[Office]:
    """Run both; `fields` go to the settings of the app, `clock` makes Fabu's out of Feishu."""
    async with AsyncExitStack() as stack:
        feishu = await stack.enter_async_context(platform_of())
        written = written_for(folder, known_people(), feishu=section_for(feishu, **fields))
        written["server"]["language"] = language
        settings = Settings.model_validate(written)
        fabu = await stack.enter_async_context(opened(settings, clock and clock(feishu)))
        if settings.feishu.mode == "http":
            yield Office(fabu, feishu, FeishuPlatform(feishu, f"{fabu.url}/feishu/events"))
        else:
            await feishu.until(lambda: feishu.sockets.open, PATIENCE)
            yield Office(fabu, feishu, FeishuPlatform(feishu))
