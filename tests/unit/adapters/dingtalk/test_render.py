from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.dingtalk.render import MESSAGE_BYTES, has_buttons, render_message, render_variables
from adapters.dingtalk.text import cut_lines, size
from adapters.dingtalk.validate import FLAGS, ITEM_VERBS, PLAN_VERBS, PUBLIC, ROWS, SLOTS, param_problems
from adapters.dingtalk.words import Words
from core.card import (
    Button,
    Card,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Notice,
    Part,
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
CARD_ROWS = st.lists(
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
    sections=st.lists(st.builds(Section, HOSTILE, CARD_ROWS, part=st.sampled_from(Part)), max_size=4).map(tuple),
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
    kinds, links = markup(reader, render_variables(card)["ask"])
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
        "show_approve", "show_reject", "show_cancel", "show_risk", "show_votes", "show_input", "show_url",
    ]  # fmt: skip
    assert (shown["ask"], shown["risk"]) == ("**🔵 alice 请你审批**", "⚠️ 1 清空 cart")
    assert shown["votes"] == "✅ QA · 同意 · Bob"
    assert (shown["i1"], shown["i2"]) == ("灰度发布", "发布项\n▫️ 【1】第1步 · 待办\n▫️ 【2】第2步 · 待办")
    assert shown["foot"] == "负责人 Alice\n取消计划: 计划将不可恢复？"
    assert shown["hint"] == "驳回*: 为什么驳回？"
    assert (shown["url"], shown["url_text"]) == (OPEN.url, "打开")
    assert (shown["n1"], shown["n1_ref"], shown["hint_item"]) == ("", "", "")


SQL = Excerpt(ExcerptKind.CODE, ("DELETE FROM `shop_main`;", "    -- [a](b) @all"), "另有 4 行", "sql")


def test_what_will_run_stands_to_the_letter_an_item_a_variable() -> None:
    row = replace(item(3), body=(line("库 ", Code("shop_main")), SQL))
    shown = render_variables(Card("#1 x", "x", sections=(Section("发布项", (row, replace(item(4), body=(SQL,)))),)))
    assert shown["i1"].splitlines() == [
        "▫️ 【3】第3步 · 待办", "库 shop_main", "DELETE FROM `shop_main`;", "    -- [a](b) @all", "另有 4 行",
    ]  # fmt: skip
    assert shown["i2"].splitlines()[0] == "▫️ 【4】第4步 · 待办"


def test_parts_have_their_own_variables_and_what_finds_no_room_there_stands_among_the_items() -> None:
    said = Row(weight=Weight.CHANGED, body=(line("“先备份”"),))
    changed = [said, *(Row(f"{n} 部署", Weight.CHANGED, body=(line("改" * 300),)) for n in range(1, 5))]
    sections = (
        Section("改动", tuple(changed), part=Part.CHANGES),
        Section("影响范围", (Row(weight=Weight.RISKY, body=(line("prod · shop_main"),)),), part=Part.TOUCHES),
        Section("发布项", (item(7),)),
    )
    shown = render_variables(Card("#1 x", "x", sections=sections))
    assert shown["touches"] == "影响范围: prod · shop_main"
    assert shown["changes"] == "改动\n“先备份”"
    listed = "".join(shown[name] for name in ROWS)
    assert (listed.count("改"), listed.count("】部署")) == (1200, 4), "nothing that must be shown is lost"
    assert "▫️ 【7】第7步 · 待办" in [shown[name] for name in ROWS]


def test_of_a_folded_section_only_what_must_be_shown_stays() -> None:
    rows = (item(1), replace(item(2), weight=Weight.RISKY, body=(SQL,)), item(3))
    shown = render_variables(Card("#1 x", "x", sections=(Section("发布项", rows, folded=True),)))
    assert [shown[name].partition(" · ")[0] for name in ROWS if shown[name]] == ["▫️ 【2】第2步"]


def test_many_that_are_but_names_share_a_line() -> None:
    rows = tuple(map(item, range(1, 10)))
    shown = render_variables(Card("#1 x", "x", sections=(Section("发布项", rows),)))
    assert shown["i1"].splitlines() == [
        "▫️ 待办 【1】第1步 · 【2】第2步 · 【3】第3步 · 【4】第4步 · 【5】第5步 · 【6】第6步",
        "▫️ 待办 【7】第7步 · 【8】第8步 · 【9】第9步",
    ]


def test_a_line_that_is_longer_than_a_variable_goes_on_in_the_next() -> None:
    shown = render_variables(Card("#1 x", "x", sections=(Section(rows=(Row(body=(line("发" * 1000),)),)),)))
    assert "".join(shown[name] for name in ROWS) == "发" * 1000


@pytest.mark.parametrize("size_of_plan", [1, 12, 60])
def test_few_items_have_a_variable_each_and_many_share_them(size_of_plan: int) -> None:
    rows = tuple(replace(item(n), body=(line("deploy · prod"),)) for n in range(1, size_of_plan + 1))
    shown = render_variables(Card("#1 x", "x", sections=(Section("发布项", rows),)))
    used = [shown[name] for name in ROWS if shown[name]]
    assert len(used) >= min(size_of_plan, 8)
    assert "".join(used).count("deploy · prod") == size_of_plan
    assert shown["rest"] == ""


def test_items_beyond_the_room_are_counted_and_those_that_need_somebody_have_a_slot() -> None:
    many = [replace(item(n), title=f"{n} {'部署服务' * 9}") for n in range(1, 301)]
    failed = replace(item(301, "retry"), weight=Weight.BAD, state=State(Tone.BAD, "❌", "失败"), url="https://ci/7")
    shown = render_variables(plan_card(*many, failed))
    listed = "".join(shown[name] for name in ROWS).count("】部署服务")
    assert (listed, shown["rest"]) == (72, f"+{300 - 72} 待办")
    assert (shown["n1"], shown["n1_retry"], shown["show_n2"]) == ("❌ 【301】第301步 · 失败", "true", "false")
    assert shown["ask"].endswith("• [301 第301步](https://ci/7)")


def test_the_first_three_rows_with_buttons_have_a_slot_each_with_its_own_reference() -> None:
    rows = [item(1, mark="✅"), item(2, "retry", "skip"), item(3, "execute"), item(4, "show"), item(5, "execute")]
    shown = render_variables(plan_card(*rows))
    assert [shown[f"{slot}_ref"] for slot in SLOTS] == ["plan.r1.i2", "plan.r1.i3", "plan.r1.i4"]
    assert [shown[f"{slot}_go"] for slot in SLOTS] == ["", "execute", ""]
    assert [name for name in FLAGS if shown[name] == "true" and name[0] == "n"] == [
        "n1_retry", "n1_skip", "n2_execute", "n3_show",
    ]  # fmt: skip
    assert (shown["show_input_item"], shown["show_input"]) == ("true", "false")
    listed = "".join(shown[name] for name in ROWS)
    assert ("第3步" in listed, "第5步" in listed) == (False, True)


def test_the_card_of_an_item_has_its_buttons() -> None:
    execute = Button("execute", "完成", "plan.r1.i7")
    shown = render_variables(Card("#1 x · 7 冒烟测试", "x", buttons=(execute,)))
    assert (shown["n1"], shown["n1_go"], shown["n1_ref"]) == ("#1 x · 7 冒烟测试", "完成", "plan.r1.i7")


def test_no_row_whose_contents_must_be_shown_is_cut_in_a_slot() -> None:
    risky = replace(item(1, "execute"), weight=Weight.RISKY, body=(line("很长" * 150),))
    shown = render_variables(plan_card(risky))
    assert shown["show_n1"] == "false"
    assert "很长" * 150 in "".join(shown[name] for name in ROWS)


def test_where_a_risk_finds_no_room_the_link_to_the_page_stands_in_place_of_the_vote() -> None:
    review = Button("open", "查看并审批", url="https://fabu.example/plans/12")
    risky = [replace(item(n), weight=Weight.RISKY, body=(line("很长" * 120),)) for n in range(1, 41)]
    card = plan_card(*risky, buttons=(replace(APPROVE, style=Style.PRIMARY), REJECT), review=review)
    shown = render_variables(card)
    assert (shown["show_approve"], shown["show_reject"]) == ("false", "true")
    assert (shown["url_text"], shown["url"], shown["show_url"]) == ("查看并审批", OPEN.url, "true")
    assert "`open" not in render_message(replace(card, buttons=(review, REJECT)), WORDS)


def test_of_changes_that_find_no_room_some_are_named_and_the_others_counted() -> None:
    changed = [Row(f"{n} 部署", Weight.CHANGED, State(word="已修改"), body=(line("改" * 100),)) for n in range(1, 301)]
    review = Button("open", "查看并审批", url=OPEN.url)
    sections = (Section("改动", tuple(changed), part=Part.CHANGES),)
    card = Card("#1 x", "x", sections=sections, buttons=(replace(APPROVE, style=Style.PRIMARY),), review=review)
    shown = render_variables(card)
    assert sum(shown[name].count("】部署") for name in ROWS) == 72
    assert (shown["rest"], shown["url_text"], shown["show_approve"]) == ("+228 已修改", "查看并审批", "false")


def test_no_text_is_asked_for_where_no_button_takes_one() -> None:
    assert render_variables(plan_card(item(1, "execute")))["show_input_item"] == "false"


def test_a_button_of_an_old_kind_without_a_reference_is_not_shown() -> None:
    assert render_variables(plan_card(buttons=(replace(APPROVE, ref=""),)))["show_approve"] == "false"


def test_long_votes_are_counted_and_the_link_stays() -> None:
    stages = tuple(Row(f"阶段{n}", state=State(word="待定"), line=line("很长" * 20)) for n in range(20))
    shown = render_variables(plan_card(sections=(Section("审批", stages, part=Part.VOTES),)))
    lines = shown["votes"].splitlines()
    assert lines[-1] == f"… +{20 - len(lines) + 1}"
    assert (shown["url"], shown["rest"]) == (OPEN.url, "")


def test_a_link_that_is_too_long_is_not_shown() -> None:
    shown = render_variables(plan_card(more=replace(OPEN, url=f"https://fabu.example/{'a' * 500}")))
    assert (shown["url"], shown["url_text"], shown["show_url"]) == ("", "", "false")


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
