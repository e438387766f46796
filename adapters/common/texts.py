"""Texts that several chat adapters send of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final


def N_(text: str) -> str:
    """Mark a text for translation and return it as it is."""
    return text


NOT_NOW: Final = N_("I cannot reach {chat} now, so I do not know who you are. Please try again in a minute.")
"""What a request is answered while the vendor does not say who its users are."""
UNREACHABLE: Final = N_("I cannot write to you alone. Open a chat with me, and ask there.")
"""What the sender of a message to a group is sent there, when the reply is for the sender alone and cannot be sent."""

SENT_ASIDE: Final = N_("It is in your chat with me.")
"""What is told who clicks for a card that is sent to them alone."""


def translate_texts(words: Any, translate: Callable[[str], str]) -> dict[str, Any]:
    """Return the texts that are defaults of the fields of a dataclass, translated, by the names of the fields."""
    return {each.name: translate(each.default) for each in fields(words) if isinstance(each.default, str)}
