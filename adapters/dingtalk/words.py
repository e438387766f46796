"""The texts of the adapter itself; those of cards and replies come from the bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.common.texts import N_, SENT_ASIDE, UNREACHABLE, translate_texts
from core.card import Button


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in the installation's language. The defaults are English, and the keys of the translations.

    `commands` maps verbs to the words that people type for them; a missing verb is its own word.
    """

    outsider: str = N_("Only members of the organisation can give commands here.")
    later: str = N_("This takes a moment. The answer will follow as a message.")
    failed: str = N_("Something went wrong. Please try again.")
    new_plan: str = N_("Write `{new} NAME` to start a plan, or open {url} to fill in everything at once.")
    unreachable: str = UNREACHABLE
    sent_aside: str = SENT_ASIDE
    type_this: str = N_("Send me one of these commands:")
    your_text: str = N_("REASON")
    commands: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def translate(cls, translate: Callable[[str], str], commands: Mapping[str, str]) -> Words:
        """Return the texts, translated by `translate`."""
        return cls(**translate_texts(cls, translate), commands=commands)

    def command(self, verb: str) -> str:
        """Return the word that people type for a verb."""
        return self.commands.get(verb, verb)

    def command_of(self, button: Button, *target: str) -> str:
        """Return the command that has the effect of a button, such as `reject 12 REASON`."""
        text = [self.your_text] if button.field and button.field.required else []
        return " ".join([self.command(button.verb), *target, *text])
