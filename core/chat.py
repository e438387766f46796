"""What passes between the chat adapters and the bot: an inbound request, a reply to it, and the outbound port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.card import Card, Form, Tone


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request of a chat user, taken from an envelope whose origin is proven.

    `user` is the vendor's id. A click has `verb` and `ref`, and in `values` what was typed into the card or form; a
    typed command has `text` without the mention of the bot. `key` is the same for a request that is delivered twice.
    `channel`, `message`, `thread` say where it happened, in the vendor's terms; `private` tells that nobody but
    the asker sees the answer; `language` is the one to answer in, that of the person when empty.
    """

    platform: str
    user: str
    key: str
    text: str = ""
    verb: str = ""
    ref: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    message: str = ""
    thread: str = ""
    private: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an inbound request, for the eyes of the one who asked.

    `text` is a sentence (a toast or an ephemeral message); `card` is shown beside it, or takes the place of the
    clicked card; `form` asks for more; `errors` names the fields of a form that have to be mended.
    """

    text: str = ""
    tone: Tone = Tone.NEUTRAL
    card: Card | None = None
    form: Form | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Inbound], Awaitable[Reply]]
"""What an adapter calls with every proven request (`bot.dispatch`). It never raises a FabuError: the reply says it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card goes: to a person (`user` is the vendor's id) or to a channel."""

    user: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a card is: enough to change it, and to write below it."""

    channel: str
    message: str


class Messenger(Protocol):
    """The outbound side of a chat. Every method raises DeliveryError when the vendor does not take the call."""

    platform: str
    threads: bool
    """Whether what is said below a card stands there, and not among everything else in the chat."""
    buttons: bool
    """Whether cards have buttons; if not, the link on what one person gets signs them in to where the buttons are."""

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card. The same `key` posts one card where the vendor can tell (else a crash may post it twice)."""
        ...

    async def update(self, posted: Posted, card: Card) -> bool:
        """Show the newest state on a card; False when the vendor no longer lets it change, so that a new one is due."""
        ...

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Write a plain text into the thread below a card, or into its chat where there are no threads."""
        ...

    async def find_user(self, email: str, phone: str) -> str:
        """Return the vendor's id of the active user with a verified e-mail address or phone number, or ""."""
        ...

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the verified e-mail address and phone of an active user, or None when unknown or deactivated."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...
