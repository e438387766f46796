"""The operation log in sentences."""

from __future__ import annotations

from bot.cards.sentences import SENTENCES
from core.events import EVENTS


def test_every_event_has_a_sentence() -> None:
    assert SENTENCES.keys() == EVENTS.keys()
