from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.dingtalk.render import MESSAGE_BYTES, has_buttons, render_message, render_variables
from adapters.dingtalk.text import cut_lines, size
from adapters.dingtalk.validate import ITEM_VERBS, PLAN_VERBS, PUBLIC, param_problems
from adapters.dingtalk.words import Words
from core.card import (
    Button,
    Card,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Notice,
    Row,
    Section,
    State,
    Style,
    Text,
    Tone,
    Weight,
    line,
)

from .cards import APPROVE, CANCEL, OPEN, REJECT, item, plan_card
from .reading import HOSTILE, READERS, markup

WORDS = Words(commands={"approve": "批准", "reject": "驳回", "execute": "执行", "skip": "跳过", "show": "查看"})
REFS = st.text("0123456789abcdef.", min_size=1, max_size=80)
FIELDS = st.none() | st.builds(Field, HOSTILE, required=st.booleans())
BUTTONS = st.lists(
    st.builds(
        Button, st.sampled_from([*PLAN_VERBS, *ITEM_VERBS, "show"]), HOSTILE, REFS, field=FIELDS, confirm=HOSTILE
    ),
    max_size=4,
).map(tuple)
LINES = st.lists(st.builds(Text, HOSTILE) | st.builds(Code, HOSTILE), max_size=3).map(tuple)
EXCERPTS = st.builds(Excerpt, st.sampled_from(ExcerptKind), st.lists(HOSTILE, max_size=3).map(tuple), HOSTILE)
STATES = st.builds(State, st.sampled_from(Tone), HOSTILE, HOSTILE)
TITLES = HOSTILE | HOSTILE.map(lambda title: f"7 {title}") | HOSTILE.map(lambda title: f"#7 · 3 {title}")
ROWS = st.lists(
    st.builds(
        Row, TITLES, st.sampled_from(Weight), STATES, LINES, st.lists(LINES | EXCERPTS, max_size=2).map(tuple), BUTTONS
    ),
    max_size=12,
).map(tuple)
CARDS = st.builds(
    Card,
    title=HOSTILE,
    summary=HOSTILE,
    state=STATES,
    ask=st.lists(LINES, max_size=2).map(tuple),
    notices=st.lists(st.builds(Notice, LINES), max_size=4).map(tuple),
    sections=st.lists(st.builds(Section, HOSTILE, ROWS), max_size=4).map(tuple),
    buttons=BUTTONS,
    foot=st.lists(LINES, max_size=3).map(tuple),
    more=st.sampled_from([None, OPEN]),
)


OURS = {
    "paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "strong_open", "strong_close",
    "link_open", "link_close",
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(CARDS)
def test_any_card_fits_the_template(card: Card) -> None:
    assert list(param_problems(render_variables(card), PUBLIC, complete=True)) == []


@settings(max_examples=60, deadline=None)
@given(CARDS, READERS)
def test_markdown_of_a_card_holds_nothing_but_our_own_markup(card: Card, reader: MarkdownIt) -> None:
    kinds, links = markup(reader, render_variables(card)["body"])
    assert kinds <= OURS
    assert links <= {OPEN.url}


@settings(max_examples=60, deadline=None)
@given(CARDS, READERS)
def test_a_message_is_within_bounds_and_links_to_the_page_alone(card: Card, reader: MarkdownIt) -> None:
    text = render_message(card, WORDS)
    kinds, links = markup(reader, text)
    assert size(text) <= MESSAGE_BYTES
    assert kinds <= OURS | {"heading_open", "heading_close", "code_inline"}
    assert links <= {OPEN.url}


def test_lists_are_cut_between_lines() -> None:
    lines = [f"第{n}行" for n in range(100)]
    shown = cut_lines(lines, 100).split("\n")
    assert shown[:-1] == lines[: len(shown) - 1]
    assert shown[-1] == f"… +{100 - (len(shown) - 1)}"
    assert cut_lines(["发" * 100], 50) == "发" * 13 + "…"


def test_an_approval_card() -> None:
    ask = (line("alice 请你审批"),)
    notice = Notice(line("1 清空 cart"))
    shown = render_variables(plan_card(item(1), item(2), buttons=(APPROVE, REJECT, CANCEL), ask=ask, notices=(notice,)))
    assert (shown["title"], shown["status"], shown["status_color"]) == ("#12 支付服务", "执行中", "blue")
    assert shown["ref"] == "plan.r1"
    assert [name for name, value in shown.items() if value == "true"] == [
        "show_input", "show_approve", "show_reject", "show_cancel",
    ]  # fmt: skip
    assert shown["body"].split("\n\n") == [
        "alice 请你审批",
        "⚠️ **1 清空 cart**",
        "**审批**",
        "• ✅ QA · 同意 · Bob",
        "负责人 Alice",
        "[打开](https://fabu.example/plans/12)",
    ]
    assert (shown["details"], shown["items"]) == ("灰度发布", "▫️ 1 第1步 · 待办\n▫️ 2 第2步 · 待办")
    assert shown["footer"] == "取消计划: 计划将不可恢复？"
    assert (shown["item"], shown["item_ref"]) == ("", "")


def test_what_will_run_stands_to_the_letter() -> None:
    sql = Excerpt(ExcerptKind.CODE, ("DELETE FROM `shop_main`;", "-- [a](b)"), "另有 4 行", "sql")
    row = replace(item(3), body=(line("库 ", Code("shop_main")), sql))
    assert render_variables(plan_card(row))["details"].split("\n\n")[0].splitlines() == [
        "【3 第3步】", "库 shop_main", "DELETE FROM `shop_main`;", "-- [a](b)", "另有 4 行",
    ]  # fmt: skip


def test_items_beyond_the_room_are_counted_and_those_that_need_somebody_stand_first() -> None:
    many = [replace(item(n), title=f"{n} {'部署服务' * 3}") for n in range(1, 301)]
    failed = replace(item(301, "retry"), weight=Weight.BAD, state=State(Tone.BAD, "❌", "失败"))
    shown = render_variables(plan_card(*many, failed))
    lines = shown["items"].splitlines()
    assert lines[-2:] == ["❌ 301 第301步 · 失败", f"+{300 - len(lines) + 2} 待办"]
    assert shown["item"] == "❌ 301 第301步 · 失败"
    assert shown["show_retry"] == "true"


def test_the_current_item_is_the_first_that_something_can_be_done_about() -> None:
    shown = render_variables(plan_card(item(1, mark="✅"), item(2, "retry", "skip"), item(3, "execute", "skip")))
    assert (shown["item"], shown["item_ref"]) == ("▫️ 2 第2步 · 待办", "plan.r1.i2")
    assert [name for name in shown if name.startswith("show_") and shown[name] == "true"] == [
        "show_input", "show_skip", "show_retry",
    ]  # fmt: skip


def test_where_a_risk_finds_no_room_the_link_to_the_page_stands_in_place_of_the_vote() -> None:
    review = Button("open", "查看并审批", url="https://fabu.example/plans/12")
    risky = [replace(item(n), weight=Weight.RISKY, body=(line("很长" * 60),)) for n in range(1, 41)]
    card = plan_card(*risky, buttons=(replace(APPROVE, style=Style.PRIMARY), REJECT), review=review)
    shown = render_variables(card)
    assert (shown["show_approve"], shown["show_reject"]) == ("false", "true")
    assert shown["body"].endswith("[查看并审批](https://fabu.example/plans/12)")
    assert "`open" not in render_message(replace(card, buttons=(review, REJECT)), WORDS)


def test_no_text_is_asked_for_where_no_button_takes_one() -> None:
    assert render_variables(plan_card(item(1, "execute")))["show_input"] == "false"


def test_a_button_of_an_old_kind_without_a_reference_is_not_shown() -> None:
    assert render_variables(plan_card(buttons=(replace(APPROVE, ref=""),)))["show_approve"] == "false"


def test_the_link_stays_when_a_plan_is_too_long() -> None:
    stages = tuple(Row(f"阶段{n}", state=State(word="待定"), line=line("很长" * 40)) for n in range(20))
    body = render_variables(plan_card(sections=(Section("审批", stages),)))["body"]
    assert body.endswith("[打开](https://fabu.example/plans/12)")
    assert "\n\n… +" in body


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (plan_card(buttons=(APPROVE,)), True),
        (plan_card(item(1, "execute")), True),
        (plan_card(item(1)), False),
        (
            Card("计划", "计划", sections=(Section(rows=(Row("#7 x", buttons=(Button("show", "查看", "p.r"),)),)),)),
            False,
        ),
    ],
)
def test_whether_the_template_has_something_to_offer(card: Card, expected: bool) -> None:
    assert has_buttons(card) is expected


def test_a_message_tells_what_to_type() -> None:
    text = render_message(plan_card(item(1), item(2, "execute", "skip"), buttons=(APPROVE, REJECT)), WORDS)
    assert text.startswith("### #12 支付服务\n\n**执行中**\n\n• 灰度发布")
    assert "`批准 12` `驳回 12 REASON` `执行 12 2` `跳过 12 2 REASON`" in text
    assert text.endswith("[打开](https://fabu.example/plans/12)")


def test_a_list_of_plans_tells_how_to_see_one() -> None:
    rows = tuple(Row(f"#{n} 计划", buttons=(Button("show", "查看", "p.r"),)) for n in (7, 8))
    assert "`查看 7` `查看 8`" in render_message(Card("发布计划", "发布计划", sections=(Section(rows=rows),)), WORDS)
