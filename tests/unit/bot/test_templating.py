"""What pages show of a plan beside its card."""

from __future__ import annotations

from bot.console.templating import kind_of, show_whole
from core.card import Code


def test_a_workflow_is_shown_whole_without_credentials() -> None:
    spec = {
        "name": "w",
        "params": [{"name": "KEY", "value": "s3cret", "is_credential": True}],
        "stages": [
            {"name": "s", "jobs": [{"name": "j", "type": "freestyle", "spec": {"script": "# why\nrm -rf x\n"}}]}
        ],
    }
    shown = show_whole(spec)
    assert "script: |\n" in shown
    assert "# why\n" in shown, "what a card leaves out is here"
    assert "s3cret" not in shown


def test_what_would_be_invisible_is_shown() -> None:
    spec = {"stages": [{"jobs": [{"type": "freestyle", "spec": {"script": "rm a\u200bb"}}]}]}
    assert "\u200b" not in show_whole(spec)


def test_parts_of_a_card_say_what_they_are() -> None:
    assert kind_of(Code("x")) == "Code"
