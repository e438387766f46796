"""What passes between the chat adapters and the bot: an inbound request, and the reply to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from core.card import Card, Form, Tone
from core.people import FULL, Credential


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request of a chat user. The adapter has verified that it comes from the vendor.

    `user` is the vendor's id. A click has `verb`, `ref` and, in `values`, the inputs of the card or form; a typed
    command has `text`, without the mention of the bot. `mentions` are the vendor's ids of the other users whom the text
    mentions; it has them as `@id`. Every other `@` was typed by the user. A message is `textless` that has
    a picture, a file or the like, and no text. `key` is the same when the vendor delivers a
    request twice. `channel`, `message` and `thread` are the vendor's ids of the place. `private` is whether only the
    requester sees the reply. `language` is that of the reply; empty means the person's own.
    `credential` is what the requester acts with.
    """

    platform: str
    user: str
    key: str
    text: str = ""
    mentions: frozenset[str] = frozenset()
    textless: bool = False
    verb: str = ""
    ref: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    message: str = ""
    thread: str = ""
    private: bool = False
    language: str = ""
    credential: Credential = FULL


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to an inbound request, which only the requester sees. An empty one is not sent.

    `text` is a sentence (a toast or an ephemeral message). `card` is sent with it, or takes the place of the clicked
    card: always when it `replaces` that, which is a reply that nothing else keeps up to date.
    One `aside` is about a part of the clicked card, for the requester alone: a chat with dialogs shows it in one.
    `form` is a dialog to open. `errors` maps fields of the submitted form to what is wrong with them. `link` is the URL
    in `text` that is Fabu's own: what people wrote is in `text`, too, and no chat makes links of that.
    """

    text: str = ""
    tone: Tone = Tone.NEUTRAL
    card: Card | None = None
    form: Form | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    replaces: bool = False
    aside: bool = False


Handler = Callable[[Inbound], Awaitable[Reply]]
"""The function that an adapter calls with every verified request (`bot.chat.dispatch`). It raises no FabuError."""
