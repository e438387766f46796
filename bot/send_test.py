"""Test messages (`fabu doctor --send-test`): one to the channel of each chat, and one to each approver of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from adapters.common.adapter import ChatAdapter
from adapters.common.system import SystemIds
from bot.doctor import opened_chats
from bot.i18n import Locale
from config.settings import Settings
from core.approval import eligible, excluded_voters
from core.card import Card, State, line
from core.errors import DeliveryError
from core.people import Directory, Person
from core.plan import Channel, Plan
from core.ports.checkup import Finding
from core.ports.messenger import Place
from core.text import normalize_phone

_CHANNELS: Mapping[str, str] = {
    "slack": "slack.channel",
    "feishu": "feishu.chat_id",
    "dingtalk": "dingtalk.conversation_id",
}
"""The setting of the channel, by platform."""


@dataclass(frozen=True, slots=True)
class Audience:
    """The plan whose approvers get a message, and everybody whom Fabu knows."""

    plan: Plan
    directory: Directory


async def send_test(settings: Settings, audience: Audience | None = None) -> list[Finding]:
    """Send a message to the channel of each chat, and one to each approver of a plan; return how each went."""
    async with opened_chats(settings) as chats:
        if not chats:
            cure = "enable one under [slack], [feishu] or [dingtalk]"
            return [Finding(False, "no chat is enabled, so nothing was sent", cure)]
        unready = {name: await _prepare(chat) for name, chat in chats.items()}
        findings = [finding for finding in unready.values() if finding]
        ready = {name: chat for name, chat in chats.items() if not unready[name]}
        findings += [await _send_to_channel(name, chat, settings) for name, chat in ready.items()]
        if audience:
            for person, preferred in _list_approvers(audience):
                findings.append(await _send_to_person(person, preferred, ready, settings))
        return findings


async def _prepare(chat: ChatAdapter) -> Finding | None:
    try:
        await chat.prepare()
    except DeliveryError as error:
        return Finding(
            False, f"{chat.name} is not ready for messages: {error.reason}", _cure(error, "see its check-up")
        )
    return None


async def _send_to_channel(name: str, chat: ChatAdapter, settings: Settings) -> Finding:
    setting = _CHANNELS.get(name, f"the channel of {name}")
    if not chat.channel:
        return Finding(True, f"{chat.name}: {setting} is not set, so no channel gets cards")
    cure = f"add the app to the channel, and check {setting}"
    locale = Locale(settings.server.language, settings.server.timezone)
    return await _send(chat, Place(channel=chat.channel), f"the channel {chat.channel}", locale, cure)


async def _send_to_person(
    person: Person, preferred: Channel, chats: Mapping[str, ChatAdapter], settings: Settings
) -> Finding:
    """Send a message in the chat where cards for a stage go: that of the stage, or else the first with an account."""
    for name in sorted(chats, key=lambda name: name != preferred.platform):
        chat = chats[name]
        try:
            user = await _find_user(name, chat, person)
        except DeliveryError as error:
            cure = _cure(error, f"check the e-mail address and phone of {person.id} under [[people]]")
            return Finding(False, f"{chat.name} does not look up {person.id}: {error.reason}", cure)
        if user:
            locale = Locale.of(person, settings.server.language, settings.server.timezone)
            cure = f"check the account of {person.id} under [[people]], and that the app is available to them"
            return await _send(chat, Place(user=user), f"{person.id} ({user})", locale, cure)
    if preferred is Channel.NATIVE:
        return Finding(True, f"{person.id} has no account in a chat, and decides in the console or the terminal")
    cure = f"write their account, or an e-mail address or phone that it has, under [[people]] of {person.id}"
    return Finding(False, f"{person.id} has no account in a chat that works, so nothing was sent", cure)


async def _find_user(name: str, chat: ChatAdapter, person: Person) -> str:
    if listed := person.accounts.get(name):
        return listed
    if not (person.email or person.phone):
        return ""
    return await chat.messenger.find_user(person.email, normalize_phone(person.phone))


async def _send(chat: ChatAdapter, place: Place, whom: str, locale: Locale, cure: str) -> Finding:
    try:
        await chat.messenger.post(place, _make_card(locale), SystemIds().new())
    except DeliveryError as error:
        return Finding(False, f"{chat.name} takes no message for {whom}: {error.reason}", _cure(error, cure))
    return Finding(True, f"{chat.name}: a test message was sent to {whom}")


def _cure(error: DeliveryError, cure: str) -> str:
    """Return what to do about an error: to wait for a while, or what mends its cause."""
    return "try again in a minute; if it stays, look at the log of the server" if _is_passing(error) else cure


def _is_passing(error: DeliveryError) -> bool:
    return error.retryable and error.known


def _make_card(locale: Locale) -> Card:
    title = locale.text("Test message of Fabu")
    text = locale.text("An administrator tries out whether Fabu can write here. There is nothing to do.")
    return Card(title, f"{title}. {text}", State(word=locale.text("test")), (line(text),))


def _list_approvers(audience: Audience) -> Iterator[tuple[Person, Channel]]:
    """Yield the approvers of all stages and those whom they delegate to, each once, with the channel of the stage."""
    plan, directory = audience.plan, audience.directory
    listed: set[str] = set()
    for stage in plan.approval.stages:
        people = eligible(stage, excluded_voters(plan), directory)
        delegates = {plan.approval.delegates[name] for name in people if name in plan.approval.delegates}
        for name in sorted((people | delegates) - listed):
            listed.add(name)
            if directory.active(name):
                yield directory.people[name], stage.channel
