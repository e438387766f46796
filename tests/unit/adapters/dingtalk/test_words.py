from __future__ import annotations

from dataclasses import fields

from adapters.dingtalk.words import Words
from core.card import Button

from .cards import REJECT


def test_every_text_is_translated() -> None:
    words = Words.translate(str.upper, {"reject": "驳回"})
    texts = {
        name: text for name, text in ((f.name, getattr(words, f.name)) for f in fields(Words)) if name != "commands"
    }
    assert all(text == text.upper() for text in texts.values())
    assert words.command_of(REJECT, "12") == "驳回 12 REASON"


def test_what_has_no_word_is_typed_as_the_verb() -> None:
    assert Words().command_of(Button("retry", "重试"), "12", "2") == "retry 12 2"
