from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.feishu.render import render_card, render_form
from adapters.feishu.validate import problems
from core.card import Button, Card, Fact, Field, Form, Row, Section, Style, Tone
from tests.simulators.feishu_cards import Button as Seen
from tests.simulators.feishu_cards import buttons, elements, fields, text_of

HOSTILE = '<at id=all></at> [Approve](https://evil.example) ![x](img_v2) :DONE: **bold** <font color="red">x</font>'

texts = st.one_of(st.text(max_size=400), st.just(HOSTILE), st.just("发布" * 900), st.just("\u202e\x00\ud800"))
refs = st.text("abc.0123456789", max_size=80)
urls = st.sampled_from(["", "https://fabu.example/plans/1", "javascript:alert(1)", "fabu", "http://x/" + "a" * 3000])
asked = st.builds(
    Field, texts, st.sampled_from(["text", "name"]), texts, st.booleans(), st.booleans(), texts, st.integers(0, 5000)
)
pressed = st.builds(
    Button, st.sampled_from(["approve", "reject"]), texts, refs, st.sampled_from(Style), st.none() | asked, texts, urls
)
rows = st.builds(Row, texts, texts, texts, urls, st.lists(pressed, max_size=4).map(tuple))
many = st.integers(1, 40)
sections = st.builds(
    lambda heading, text, rows, times: Section(heading, text, tuple(rows) * times),
    texts, texts, st.lists(rows, max_size=6), many,
)  # fmt: skip
cards = st.builds(
    lambda facts, times, **more: Card(facts=tuple(facts) * times, **more),
    st.lists(st.builds(Fact, texts, texts), max_size=6), many,
    title=texts, summary=texts, tone=st.sampled_from(Tone), tag=texts,
    sections=st.lists(sections, max_size=5).map(tuple), buttons=st.lists(pressed, max_size=8).map(tuple),
    note=texts, more=st.none() | pressed,
)  # fmt: skip


def pressable(card: dict[str, Any]) -> list[Seen]:
    return [one for one in buttons(card) if one.value is not None]


@settings(max_examples=300)
@given(cards)
def test_any_card_is_one_that_feishu_takes(card: Card) -> None:
    assert problems(render_card(card)) == []


@given(st.builds(Form, st.just("new"), refs, texts, texts, st.lists(asked, max_size=6).map(tuple)))
def test_any_form_is_one_that_feishu_takes(form: Form) -> None:
    assert problems(render_form(form)) == []


REASON = Field("Why do you reject it?", required=True, multiline=True)
APPROVE = Button("approve", "Approve", "p.n", Style.PRIMARY)
REJECT = Button("reject", "Reject", "p.n", Style.DANGER, REASON)
REPLAN = Button("replan", "Replan", "p.n", confirm="Take it back?")


def test_approve_and_reject_share_a_form_and_what_is_confirmed_stays_apart() -> None:
    card = render_card(Card("#7 Release", "#7", buttons=(APPROVE, REJECT, REPLAN)))
    approve, reject, replan = pressable(card)
    assert approve.submits
    assert reject.submits
    assert approve.form is reject.form
    assert not replan.submits
    assert replan.element["confirm"]["text"]["content"] == "Take it back?"
    assert approve.value == {"verb": "approve", "ref": "p.n"}
    (field,) = fields(approve.form or {}).values()
    assert field["label"]["content"] == "Why do you reject it?"
    assert not field["required"], "an approval needs no reason"


def test_a_text_that_every_button_requires_must_be_filled_in() -> None:
    card = render_card(Card("t", "s", sections=(Section(rows=(Row("item", buttons=(REJECT,)),)),)))
    (reject,) = pressable(card)
    (field,) = fields(reject.form or {}).values()
    assert field["required"]


def test_buttons_without_a_text_need_no_form() -> None:
    card = render_card(Card("t", "s", sections=(Section(rows=(Row("item", buttons=(APPROVE,)),)),)))
    (approve,) = pressable(card)
    assert approve.form is None


def test_each_item_has_a_form_of_its_own() -> None:
    rows = tuple(Row(f"{n}. item", buttons=(Button("skip", "Skip", f"p.n.{n}", field=REASON),)) for n in range(3))
    found = pressable(render_card(Card("t", "s", sections=(Section("Items", rows=rows),))))
    assert [one.value for one in found] == [{"verb": "skip", "ref": f"p.n.{n}"} for n in range(3)]
    assert len({id(one.form) for one in found}) == 3


def test_a_long_plan_keeps_its_first_forms_every_title_and_says_how_much_is_cut() -> None:
    rows = tuple(Row(f"{n}. item", "▫️", "to do", buttons=(REJECT,)) for n in range(1, 61))
    more = Button("open", "Open", url="https://fabu.example/plans/7")
    card = render_card(Card("t", "s", sections=(Section("Items", rows=rows),), buttons=(APPROVE,), more=more))
    text = text_of(card)
    assert problems(card) == []
    assert "25. item" in text
    assert "26. item" not in text
    assert "… +35" in text
    forms = [one for one, _ in elements(card) if one["tag"] == "form"]
    assert len(forms) >= 8
    assert [one.text for one in buttons(card)][-2:] == ["Approve", "Open"]


def test_items_that_wait_for_somebody_are_shown_before_those_that_are_done() -> None:
    done = tuple(Row(f"{n}. item", "✅") for n in range(1, 60))
    card = render_card(Card("t", "s", sections=(Section("Items", rows=(*done, Row("60. item", buttons=(REJECT,)))),)))
    assert "60. item" in text_of(card)
    assert [one.text for one in pressable(card)] == ["Reject"]
    assert "… +35" in text_of(card)


def test_what_matters_is_kept_when_texts_are_huge() -> None:
    rows = tuple(Row("发" * 200, detail="布" * 400, buttons=(REJECT,)) for _ in range(25))
    section = Section("项" * 200, "内" * 3000, rows)
    card = render_card(Card("名" * 500, "s", sections=(section, section, section), buttons=(APPROVE, REJECT)))
    assert problems(card) == []
    assert [one.text for one in pressable(card)][-2:] == ["Approve", "Reject"]
    assert "… +" in text_of(card)


@pytest.mark.parametrize("place", ["title", "note", "fact", "heading", "text", "row", "detail", "field"])
def test_text_of_people_is_shown_literally_everywhere(place: str) -> None:
    given = {one: HOSTILE if one == place else one for one in ("title", "note", "fact", "heading", "text", "row")}
    button = Button("skip", "Skip", "r", field=Field(HOSTILE if place == "field" else "Why?"))
    row = Row(given["row"], detail=HOSTILE if place == "detail" else "", buttons=(button,))
    section = Section(given["heading"], given["text"], (row,))
    card = render_card(
        Card(given["title"], "s", facts=(Fact("f", given["fact"]),), sections=(section,), note=given["note"])
    )
    markdown = [one["content"] for one, _ in elements(card) if one["tag"] == "markdown"]
    assert not any(sign in content for content in markdown for sign in ("<", "](", "![", ":DONE:"))
    assert '"lark_md"' not in json.dumps(card)


def test_only_web_addresses_are_opened() -> None:
    rows = (Row("a", url="javascript:alert(1)"), Row("b", url="https://ci.example/1"))
    card = render_card(Card("t", "s", sections=(Section(rows=rows),), more=Button("open", "Open", url="fabu://x")))
    assert [one.url for one in buttons(card)] == ["https://ci.example/1"]


def test_what_turns_the_reading_order_around_is_left_out() -> None:
    assert "\u202e" not in text_of(render_card(Card("Release \u202egnikcah", "s")))


def test_a_form_asks_for_all_its_fields_at_once() -> None:
    form = Form("new", "", "New plan", "Create", (Field("Name", "name", required=True), Field("Items", "items")))
    card = render_form(form)
    (create,) = pressable(card)
    assert create.value == {"verb": "new", "ref": ""}
    assert [name.rpartition("_")[0] for name in fields(create.form or {})] == ["name", "items"]
    assert [one["required"] for one in fields(create.form or {}).values()] == [True, False]
