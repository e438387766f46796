"""The references of buttons."""

from __future__ import annotations

import pytest

from bot.cards.refs import Ref, View, mark_reply
from core.card import SAY, Button, Card, Row, Section
from core.errors import NotFound


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("p1", Ref("p1")),
        ("p1.n1", Ref("p1", "n1")),
        ("p1.n1.i1", Ref("p1", "n1", "i1")),
        ("p1.n1..plan", Ref("p1", "n1", view="plan")),
        ("p1.n1.i1.mine", Ref("p1", "n1", "i1", "mine")),
        ("p1.n1..plan.3", Ref("p1", "n1", "", "plan", 3)),
    ],
)
def test_a_reference_is_read_as_it_was_written(text: str, ref: Ref) -> None:
    assert Ref.parse(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize(
    "text", ["", ".n", "a.b.c.d.e.f", "a.b.c.plan.x", "a.b.c.plan.²", "a.b.c.plan.-1", "a.b.c.d.1234567"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(NotFound):
        Ref.parse(text)


def test_all_buttons_of_a_reply_say_so_but_links_and_commands() -> None:
    rows = (Row("item", buttons=(Button("execute", "Done", "p1.n1.i1"),)),)
    buttons = (
        Button("replan", "Replan", "p1.n1"),
        Button(SAY, "Next", "show 1 2"),
        Button("open", "Open", url="https://x"),
    )
    card = mark_reply(Card("#1", "#1", sections=(Section(rows=rows),), buttons=buttons), View.PLAN, 2)
    assert [button.ref for button in card.buttons] == ["p1.n1..plan.2", "show 1 2", ""]
    assert card.sections[0].rows[0].buttons[0].ref == "p1.n1.i1.plan.2"
