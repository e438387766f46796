"""Cards in a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from bot.cli.show import buttons_of, card_view, print_json, reply_view, table_of
from core.card import (
    Button,
    Card,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Form,
    Hidden,
    Link,
    Notice,
    Row,
    Section,
    State,
    Style,
    Text,
    Tone,
    line,
    paragraph,
)
from core.chat import Reply
from core.text import remove_invisible

SQL = Excerpt(ExcerptKind.CODE, ("DELETE FROM `cart`;", "  SELECT 1;"), "+4 lines", "sql")
CARD = Card(
    title="#1 订单系统 2026-11 月度发布",
    summary="",
    state=State(Tone.WAITING, "🟡", "waiting for approval"),
    ask=(
        line("等待", Text("QA", strong=True)),
        line("window ", Code("18:00"), Link("why", "https://fabu.example.com/why")),
    ),
    notices=(Notice(line("2 Deploy: DROP")),),
    sections=(
        Section(
            "Approval",
            rows=(Row("QA", state=State(Tone.WAITING, "🟡", "deciding"), line=line("鲍勃 · all must approve")),),
        ),
        paragraph("先看说明"),
        Section(
            "Release items",
            rows=(
                Row("1 备份数据库", buttons=(Button("execute", "Done", "r1"), Button("skip", "Skip", "r1"))),
                Row(
                    "2 Deploy",
                    state=State(Tone.GOOD, "✅", "done"),
                    line=line("done " * 40),
                    body=(line("db ", Code("shop_main")), SQL),
                    url="https://ci.example.com/runs/1",
                ),
            ),
            hidden=(Hidden("later", 19),),
        ),
    ),
    buttons=(Button("approve", "Approve", "r", Style.PRIMARY), Button("reject", "Reject", "r", Style.DANGER)),
    foot=(line("revision 3 · ", Code("7f3a9c12")),),
    more=Button("open", "Open", url="https://fabu.example.com/plans/1"),
)


def shown(card: Card, width: int = 60, *, numbered: bool = True, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    console.print(card_view(card, numbered=numbered))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_everything_on_a_card_is_shown() -> None:
    text = shown(CARD)
    for part in (
        "🟡 #1 订单系统 2026-11 月度发布  [waiting for approval]", "等待QA", "window 18:00why (https://fabu.example.com/why)",
        "⚠️ 2 Deploy: DROP", "🟡 QA", "deciding · 鲍勃 · all must approve", "先看说明", "✅ 2 Deploy", "db shop_main",
        "DELETE FROM `cart`;", "    SELECT 1;", "+4 lines", "+19 later", "https://ci.example.com/runs/1",
        "revision 3 · 7f3a9c12", "Open: https://fabu.example.com/plans/1",
    ):  # fmt: skip
        assert part in text


def test_lines_with_wide_characters_end_at_the_same_column() -> None:
    for width in (40, 60, 90):
        assert {cell_len(line) for line in shown(CARD, width).splitlines()} == {
            cell_len(shown(CARD, width).split("\n")[0])
        }
        assert cell_len(shown(CARD, width).split("\n")[0]) <= width


def test_numbers_are_those_of_the_buttons_from_top_to_bottom() -> None:
    text = shown(CARD)
    assert [f"[{number}] {button.label}" in text for number, button in enumerate(buttons_of(CARD), 1)] == [True] * 4
    assert [button.verb for button in buttons_of(CARD)] == ["execute", "skip", "approve", "reject"]


def test_without_numbers_buttons_are_named() -> None:
    assert "[Approve]  [Reject]" in shown(CARD, numbered=False)


def test_nothing_is_said_by_colour_alone() -> None:
    coloured = shown(CARD, colour=True)
    assert "\x1b[" in coloured
    plain = shown(CARD)
    assert all(f"{each.state.mark} {each.title}" in plain for each in CARD.rows if each.state.mark)
    assert f"{CARD.state.mark} {CARD.title}  [{CARD.state.word}]" in plain


def test_texts_steer_neither_terminal_nor_markup() -> None:
    text = shown(replace(CARD, title="[red]\x1b[2J\x9b2J\u202eevil[/red] :smile:"))
    assert "[red][2J2Jevil[/red] :smile:" in text
    assert remove_invisible("a\r\x07\x1b]8;;x\x07b\tc\nd") == "a]8;;xb\tc\nd"


def test_json_keeps_its_meaning_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"name": "发布 \x1b[2J\x9b2J\u202e\U000e0041\ud800", "lines": "a\tb\nc"}
    print_json(answer)
    printed = capsys.readouterr().out
    assert json.loads(printed) == answer
    assert "发布" in printed
    assert remove_invisible(printed) == printed


def test_reply_shows_its_sentence_and_the_name_of_its_form() -> None:
    form = Form("new", "", "New release plan", "Create", (Field("Name", "name"),))
    console = Console(file=io.StringIO(), width=60)
    console.print(reply_view(Reply("没有这个计划。", Tone.BAD, form=form)))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "❌ 没有这个计划。\nNew release plan\n"


def test_the_first_column_of_a_table_is_never_cut() -> None:
    console = Console(file=io.StringIO(), width=50)
    console.print(table_of(("id", "name"), [("01a20cbad9f47f95b20d54d8393d5b9c", "\x1b[1m" + "很长的名字" * 10)]))
    assert isinstance(console.file, io.StringIO)
    assert "01a20cbad9f47f95b20d54d8393d5b9c" in console.file.getvalue()
    assert "\x1b" not in console.file.getvalue()
