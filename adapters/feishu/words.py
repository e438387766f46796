"""The texts that Feishu's side sends of its own, in the installation's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.common.texts import N_, SENT_ASIDE, UNREACHABLE, translate_texts


@dataclass(frozen=True, slots=True)
class Words:
    """The texts; the defaults are English, and the keys of the translations.

    `unreachable` is sent to a group in place of a reply for a requester who gets no direct messages; `form_sent` and
    `sent_aside` are what who clicks a button is told that opens a form, or a card for them alone.
    """

    unreachable: str = UNREACHABLE
    form_sent: str = N_("The form is in your chat with me.")
    sent_aside: str = SENT_ASIDE

    @classmethod
    def translate(cls, translate: Callable[[str], str]) -> Words:
        """Return the texts, translated by `translate`."""
        return cls(**translate_texts(cls, translate))


ENGLISH: Final = Words()
