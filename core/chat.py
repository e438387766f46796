"""What passes between the chat adapters and the bot: an inbound request, a reply to it, and the outbound port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

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
"""What an adapter calls with every proven request (`bot.chat.dispatch`). It never raises a FabuError."""
