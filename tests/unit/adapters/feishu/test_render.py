from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.feishu.render import render_card, render_form
from adapters.feishu.validate import problems
from core.card import (
    Button,
    Card,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Form,
    Hidden,
    Line,
    Link,
    Notice,
    Row,
    Section,
    Show,
    State,
    Style,
    Text,
    Tone,
    Weight,
    line,
    paragraph,
)
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
spans = st.one_of(
    st.builds(Text, texts, st.booleans(), st.booleans()), st.builds(Code, texts), st.builds(Link, texts, urls)
)
lines = st.lists(spans, max_size=3).map(tuple)
excerpts = st.builds(
    Excerpt, st.sampled_from(ExcerptKind), st.lists(texts, max_size=4).map(tuple), texts, st.sampled_from(["", "sql"])
)
states = st.builds(State, st.sampled_from(Tone), st.sampled_from(["", "❌"]), texts)
rows = st.builds(
    Row, texts, st.sampled_from(Weight), states, lines, st.lists(lines | excerpts, max_size=3).map(tuple),
    st.lists(pressed, max_size=4).map(tuple), urls,
)  # fmt: skip
sections = st.builds(
    lambda title, rows, times, show, folded: Section(title, tuple(rows) * times, show, folded),
    texts, st.lists(rows, max_size=4), st.integers(1, 30), st.sampled_from(Show), st.booleans(),
)  # fmt: skip
cards = st.builds(
    Card, title=texts, summary=texts, state=states, ask=st.lists(lines, max_size=3).map(tuple),
    notices=st.lists(st.builds(Notice, lines, st.sampled_from(Tone)), max_size=5).map(tuple),
    sections=st.lists(sections, max_size=4).map(tuple), buttons=st.lists(pressed, max_size=8).map(tuple),
    foot=st.lists(lines, max_size=5).map(tuple), more=st.none() | pressed, review=st.none() | pressed,
)  # fmt: skip


REASON = Field("Why do you reject it?", required=True, multiline=True)
APPROVE = Button("approve", "Approve", "p.n", Style.PRIMARY)
REJECT = Button("reject", "Reject", "p.n", Style.DANGER, REASON)
SKIP = Button("skip", "Skip", "p.n", field=REASON)
REPLAN = Button("replan", "Replan", "p.n", confirm="Take it back?")


def pressable(card: dict[str, Any]) -> list[Seen]:
    return [one for one in buttons(card) if one.value is not None]


@settings(max_examples=150, deadline=None)
@given(cards, st.booleans())
def test_any_card_is_one_that_feishu_takes(card: Card, tables: bool) -> None:
    assert problems(render_card(card, tables=tables)) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(Weight), min_size=1, max_size=60), texts, st.integers(1, 3))
def test_rows_to_act_on_stand_with_their_buttons(weights: list[Weight], words: str, times: int) -> None:
    act = Button("retry", "Retry", "p.n", field=REASON)
    others = tuple(
        Row(words, weight, State(word="x"), line(words), (line(words),))
        for weight in weights * times
        if weight > Weight.YOURS
    )
    mine = tuple(
        Row(f"{n} mine", weight, body=(line("布" * 2000),), buttons=(act,))
        for n, weight in enumerate([Weight.BAD] * 6 + [Weight.YOURS] * 4)
    )
    card = render_card(Card("t", "s", sections=(Section("Items", (*others, *mine)),)))
    assert problems(card) == []
    assert [one.beside.split("\n")[0] for one in pressable(card)] == [f"{n} mine" for n in range(10)]


@given(st.builds(Form, st.just("new"), refs, texts, texts, st.lists(asked, max_size=6).map(tuple)))
def test_any_form_is_one_that_feishu_takes(form: Form) -> None:
    assert problems(render_form(form)) == []


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
    assert field["placeholder"]["content"] == "Why do you reject it?"
    assert not field["required"], "an approval needs no reason"


def test_a_text_that_every_button_requires_must_be_filled_in() -> None:
    card = render_card(Card("t", "s", sections=(Section(rows=(Row("item", Weight.BAD, buttons=(REJECT,)),)),)))
    (reject,) = pressable(card)
    (field,) = fields(reject.form or {}).values()
    assert field["required"]


def test_buttons_without_a_text_need_no_form() -> None:
    card = render_card(Card("t", "s", sections=(Section(rows=(Row("item", buttons=(APPROVE,)),)),)))
    (approve,) = pressable(card)
    assert approve.form is None


def test_the_row_that_needs_somebody_most_has_the_one_form() -> None:
    done = Button("done", "Done", "p.n", Style.PRIMARY, Field("Remark", multiline=True))
    weights = (Weight.PERSON, Weight.BAD, Weight.PERSON)
    rows = tuple(Row(f"{n} item", weight, buttons=(done, SKIP)) for n, weight in enumerate(weights))
    card = render_card(Card("t", "s", sections=(Section("Items", rows=rows),)))
    assert problems(card) == []
    found = pressable(card)
    assert [(one.text, one.submits) for one in found] == [
        ("Done", False), ("Skip…", False), ("Done", True), ("Skip", True), ("Done", False), ("Skip…", False)
    ]  # fmt: skip
    assert found[0].value == {"verb": "done", "ref": "p.n", "text": ""}, "one click is enough"
    assert found[1].value == {"verb": "skip", "ref": "p.n"}, "it opens a form"
    assert found[2].value == {"verb": "done", "ref": "p.n"}


def test_the_buttons_of_the_card_itself_have_the_form_before_any_row() -> None:
    row = Row("7 item", Weight.BAD, buttons=(SKIP,))
    found = pressable(render_card(Card("t", "s", sections=(Section(rows=(row,)),), buttons=(APPROVE, REJECT))))
    assert [(one.text, one.submits) for one in found] == [("Skip…", False), ("Approve", True), ("Reject", True)]


def test_what_is_ready_is_started_without_a_form() -> None:
    row = Row("7 item", Weight.READY, buttons=(Button("execute", "Run", "p.n"), SKIP))
    [element] = render_card(Card("t", "s", sections=(Section(rows=(row,)),)))["body"]["elements"]
    assert [column["elements"][0].get("type") for column in element["columns"]] == [None, "default", "text"]


def test_three_buttons_stand_in_a_row() -> None:
    buttons = tuple(Button(f"verb{n}", f"Do {n}") for n in range(4))
    rows = render_card(Card("t", "s", buttons=buttons))["body"]["elements"]
    assert [len(row["columns"]) for row in rows] == [3, 1]


def test_a_long_plan_keeps_every_title_and_as_many_forms_as_fit() -> None:
    rows = tuple(Row(f"{n}. item", state=State(word="to do"), buttons=(REJECT,)) for n in range(1, 61))
    more = Button("open", "Open", url="https://fabu.example/plans/7")
    card = render_card(Card("t", "s", sections=(Section("Items", rows),), buttons=(APPROVE,), more=more))
    assert problems(card) == []
    assert pressable(card)[0].beside == "1. item to do"
    assert 5 < len(pressable(card)) < 60
    assert "60. item" in text_of(card)
    assert [one.text for one in buttons(card)][-2:] == ["Approve", "Open"]


def test_the_parts_of_a_card_stand_in_their_order() -> None:
    card = render_card(
        Card(
            "#7 Release", "s", State(Tone.WAITING, "🟡", "waiting"), (line("alice asks"), line("by 19:30")),
            (Notice(line("no WHERE")),),
            (Section("Items", (Row("1 Deploy"), Row("2 Check"))), Section("In full", (Row("1 Deploy"),), folded=True)),
            (APPROVE, REJECT), (line("revision 2"),), Button("open", "Open", url="https://fabu.example/1"),
        )
    )  # fmt: skip
    tags = [element["tag"] for element in card["body"]["elements"]]
    assert tags == [
        "markdown", "column_set", "markdown", "markdown", "markdown", "form", "collapsible_panel", "markdown"
    ]  # fmt: skip
    words = [
        "waiting",
        "alice asks",
        "by 19:30",
        "no WHERE",
        "Items",
        "1 Deploy",
        "Approve",
        "In full",
        "revision 2",
        "Open",
    ]
    shown = text_of(card)
    places = [shown.index(word) for word in words]
    assert places == sorted(places)
    assert card["header"]["template"] == "orange"
    assert card["header"]["text_tag_list"][0]["text"]["content"] == "🟡 waiting"
    assert problems(card) == []


def test_a_neutral_state_has_a_neutral_tag() -> None:
    header = render_card(Card("t", "s", State(Tone.NEUTRAL, "⚪", "draft")))["header"]
    assert (header["template"], header["text_tag_list"][0]["color"]) == ("grey", "neutral")


def test_a_row_is_one_component_with_its_excerpt_in_a_code_block() -> None:
    excerpt = Excerpt(ExcerptKind.CODE, ("DELETE FROM shop_main;",), "+4 lines", "sql")
    row = Row("3 Clean", Weight.RISKY, State(Tone.BAD, "⚠️", "no way back"), line("SQL"), (excerpt,))
    [element] = render_card(Card("t", "s", sections=(Section(rows=(row,)),)))["body"]["elements"]
    assert element["content"].splitlines() == [
        "⚠️ **3 Clean** <text_tag color='red'>no way back</text_tag> <font color='grey'>SQL</font>",
        "```sql", "DELETE FROM shop_main;", "```", "<font color='grey'>&#43;4 lines</font>",
    ]  # fmt: skip


def test_a_title_and_its_paragraph_are_one_line() -> None:
    [element] = render_card(Card("t", "s", sections=(paragraph("api, web", title="Touches"),)))["body"]["elements"]
    assert element["content"] == "**Touches**　api, web"


def test_a_title_and_the_only_row_below_it_are_one_line() -> None:
    section = Section("Approval", (Row("SRE", state=State(Tone.WAITING, "🟡", "waiting")),))
    [element] = render_card(Card("t", "s", sections=(section,)))["body"]["elements"]
    assert element["content"] == "**Approval**　🟡 **SRE** <text_tag color='orange'>waiting</text_tag>"


def test_the_link_to_the_page_stands_at_the_end_unless_there_is_a_row_of_buttons() -> None:
    more, foot = Button("open", "Open", url="https://fabu.example/1"), (line("revision 2"),)
    [end] = render_card(Card("t", "s", foot=foot, more=more))["body"]["elements"]
    assert end["content"] == "<font color='grey'>revision 2</font> · [Open](https://fabu.example/1)"
    beside = buttons(render_card(Card("t", "s", buttons=(REPLAN,), foot=foot, more=more)))
    assert [one.text for one in beside] == ["Replan…", "Open"]


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (line("short"), ["column_set"]),
        (line("long " * 20), ["markdown", "column_set"]),
        (Excerpt(ExcerptKind.QUOTE, ("short",)), ["column_set"]),
        (Excerpt(ExcerptKind.QUOTE, ("two", "lines")), ["markdown", "column_set"]),
        (Excerpt(ExcerptKind.QUOTE, ("short",), "+4 lines"), ["markdown", "column_set"]),
        (Excerpt(ExcerptKind.CODE, ("make",)), ["markdown", "column_set"]),
    ],
)
def test_buttons_stand_beside_a_short_body_and_below_a_long_one(body: Line | Excerpt, tags: list[str]) -> None:
    row = Row("8 Check", Weight.READY, body=(body,), buttons=(Button("show", "Handle", "p.n"),))
    card = render_card(Card("t", "s", sections=(Section(rows=(row,)),)))
    assert [element["tag"] for element in card["body"]["elements"]] == tags


def test_the_button_of_a_row_stands_beside_its_two_lines() -> None:
    row = Row("8 Check", Weight.YOURS, line=line("by dave"), buttons=(Button("show", "Handle", "p.n"),))
    [element] = render_card(Card("t", "s", sections=(Section(rows=(row,)),)))["body"]["elements"]
    assert element["columns"][0]["elements"][0]["content"] == "**8 Check**\n<font color='grey'>by dave</font>"
    assert [column["elements"][0]["tag"] for column in element["columns"]] == ["markdown", "button"]


def test_notices_stand_on_the_colour_of_the_worst_and_more_than_three_are_counted() -> None:
    notices = tuple(Notice(line(f"risk {n}"), Tone.BAD if n == 1 else Tone.WAITING) for n in range(1, 6))
    [element] = render_card(Card("t", "s", notices=notices))["body"]["elements"]
    assert element["background_style"] == "red-50"
    assert text_of({"body": element}).split("\n")[1:] == ["⚠️ risk 1", "⚠️ risk 2", "⚠️ risk 3", "+2"]


def test_no_form_is_folded() -> None:
    rows = (Row("1 Deploy"), Row("2 Check", Weight.BAD, buttons=(REJECT,)), Row("3 Look", buttons=(REJECT,)))
    card = render_card(Card("t", "s", sections=(Section("In full", rows, folded=True),)))
    assert [element["tag"] for element in card["body"]["elements"]] == ["form", "collapsible_panel"]
    assert problems(card) == []


def test_without_tables_the_tasks_of_a_progress_are_one_component_and_of_many_most_are_counted() -> None:
    rows = tuple(Row(f"{n} Deploy", Weight.LATER, State(word="later")) for n in range(1, 31))
    done = tuple(Row(f"{n} Check", Weight.DONE, State(word="done")) for n in range(31, 301))
    yours = Row("301 Ask", Weight.YOURS, buttons=(Button("done", "Done", "p.n"),))
    section = Section("", (*done, *rows, yours), Show.PROGRESS, hidden=(Hidden("done", 1),))
    card = render_card(Card("t", "s", sections=(section,)), tables=False)
    assert len(card["body"]["elements"]) == 3
    shown = text_of(card)
    assert shown.count("Deploy") == 20
    assert "+271 done · +10 later" in shown
    assert "301 Ask" in shown


def test_rows_that_somebody_must_act_on_stand_with_their_buttons_when_others_find_no_room() -> None:
    others = tuple(Row(f"{n} item", Weight.LATER, State(word="later"), body=(line("布" * 400),)) for n in range(100))
    failed = Row("100 item", Weight.BAD, State(Tone.BAD, "❌", "failed"), body=(line("发" * 400),), buttons=(REJECT,))
    card = render_card(Card("t", "s", sections=(Section("Items", (*others, failed)),), buttons=(REPLAN,)))
    assert problems(card) == []
    assert [one.text for one in pressable(card)] == ["Reject", "Replan…"]
    assert "later" in text_of(card)
    assert pressable(card)[0].beside.startswith("❌ 100 item failed")


def test_nobody_approves_what_finds_no_room() -> None:
    rows = tuple(Row(f"{n} item", Weight.CHANGED, body=(line("布" * 1000),)) for n in range(50))
    review = Button("open", "Review", url="https://fabu.example/1")
    card = render_card(Card("t", "s", sections=(Section("", rows),), buttons=(APPROVE, REJECT), review=review))
    assert [one.text for one in buttons(card)] == ["Reject", "Review"]
    huge = tuple(replace(APPROVE, label="布" * 100, confirm="布" * 300) for _ in range(30))
    card = render_card(Card("t", "s", sections=(Section("", rows),), buttons=(*huge, REJECT), review=review))
    assert [one.text for one in buttons(card)] == ["Reject", "Review"]
    card = render_card(Card("t", "s", sections=(Section("", rows),), buttons=(*huge, REJECT)))
    assert len(buttons(card)) == 5


def test_three_hundred_items_are_rendered_fast() -> None:
    row = Row("7 Deploy", Weight.CHANGED, State(word="later"), line("zadig"), (line(Code("api"), " 1 → 2"),))
    card = Card("t", "s", sections=(Section("Items", (row,) * 300),))
    started = time.process_time()
    assert problems(render_card(card)) == []
    assert time.process_time() - started < 1, "it takes some 50 ms"


@pytest.mark.parametrize("sign", ["\\", '"', "布"])
def test_a_card_that_is_too_large_without_rows_keeps_its_first_lines_and_buttons(sign: str) -> None:
    long = line(sign * 2000)
    button = Button("approve", sign * 500, "r" * 80, Style.PRIMARY, replace(REASON, value=sign * 3000), sign * 2000)
    sections = tuple(Section(sign * 900, (Row(sign * 400, buttons=(button,)),) * 3) for _ in range(9))
    card = render_card(
        Card(sign * 900, sign * 900, State(word=sign * 90), (long, long), (Notice(long),) * 5, sections, (button,) * 9)
    )
    assert problems(card) == []
    assert "… +27" in text_of(card)
    assert len(pressable(card)) == 5
    assert all(one.element["confirm"]["text"]["content"] for one in pressable(card))


@pytest.mark.parametrize("folded", [False, True])
def test_text_of_people_is_shown_literally_everywhere(folded: bool) -> None:
    hostile: Line = (Text(HOSTILE), Text(HOSTILE, strong=True), Code(HOSTILE), Link(HOSTILE, "https://fabu.example/1"))
    button = Button("skip", HOSTILE, "r", field=Field(HOSTILE), confirm=HOSTILE)
    excerpt = Excerpt(ExcerptKind.CODE, (HOSTILE, "```"), HOSTILE, HOSTILE)
    row = Row(HOSTILE, Weight.BAD, State(Tone.BAD, "❌", HOSTILE), hostile, (hostile, excerpt), (button,))
    section = Section(HOSTILE, (row, replace(row, buttons=())), folded=folded, hidden=(Hidden(HOSTILE, 1),))
    card = render_card(
        Card(HOSTILE, HOSTILE, State(word=HOSTILE), (hostile,), (Notice(hostile),), (section,), (button,), (hostile,))
    )
    content = re.findall(r'"tag": "markdown", "content": "(.*?)"', json.dumps(card))
    assert len(content) >= 6
    own = re.compile(r"</?(?:font|text_tag)(?: color='\w+')?>|\]\(https://fabu\.example/1\)")
    for each in content:
        assert not any(sign in own.sub("", each) for sign in ("<", "](", "![", ":DONE:", "```"))
    assert '"lark_md"' not in json.dumps(card)


def test_only_web_addresses_are_opened() -> None:
    rows = (Row("a", url="javascript:alert(1)"), Row("b", url="https://ci.example/1"))
    card = render_card(Card("t", "s", sections=(Section(rows=rows),), more=Button("open", "Open", url="fabu://x")))
    assert [element["content"] for element, _ in elements(card)] == ["**a**", "**[b](https://ci.example/1)**"]
    assert buttons(card) == []


def test_what_turns_the_reading_order_around_is_left_out() -> None:
    assert "\u202e" not in text_of(render_card(Card("Release \u202egnikcah", "s")))


def test_a_form_asks_for_all_its_fields_at_once() -> None:
    form = Form("new", "", "New plan", "Create", (Field("Name", "name", required=True), Field("Items", "items")))
    card = render_form(form)
    (create,) = pressable(card)
    assert create.value == {"verb": "new", "ref": "", "form": {"title": "New plan", "opened_by": ""}}
    assert [name.rpartition("_")[0] for name in fields(create.form or {})] == ["name", "items"]
    assert [one["required"] for one in fields(create.form or {}).values()] == [True, False]
