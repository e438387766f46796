"""What pages show of a plan beside its card."""

from __future__ import annotations

from bot.console.templating import kind_of
from core.card import Code


def test_parts_of_a_card_say_what_they_are() -> None:
    assert kind_of(Code("x")) == "Code"
