from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.feishu.render import render_card
from adapters.feishu.validate import problems
from core.card import (
    Button,
    Card,
    Excerpt,
    ExcerptKind,
    Field,
    Hidden,
    Line,
    Row,
    Section,
    Show,
    State,
    Tone,
    Weight,
    line,
)
from tests.simulators.feishu_cards import buttons, text_of

RUN = Button("execute", "Run", "p.n")
SKIP = Button("skip", "Skip", "p.n", field=Field("Why?", required=True))
STATES = {
    Weight.BAD: State(Tone.BAD, "❌", "failed"),
    Weight.PERSON: State(Tone.WAITING, "✋", "waits"),
    Weight.READY: State(Tone.ACTIVE, "▶️", "ready"),
    Weight.RUNNING: State(Tone.ACTIVE, "⏳", "running"),
    Weight.LATER: State(Tone.NEUTRAL, "▫️", "later"),
    Weight.DONE: State(Tone.GOOD, "✅", "done"),
}


def row(number: int, weight: Weight, said: str = "", *more: Line | Excerpt) -> Row:
    pressed = (RUN, SKIP) if weight <= Weight.READY else ()
    return Row(f"{number} Deploy", weight, STATES[weight], line(said), more, pressed)


def rows(weight: Weight, count: int, first: int = 1) -> tuple[Row, ...]:
    return tuple(row(number, weight, "zadig") for number in range(first, first + count))


def tables(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [element for element in card["body"]["elements"] if element["tag"] == "table"]


def under_way(**counts: int) -> Card:
    """Return the card of a plan with so many items in each state, as `bot.cards` makes it."""
    made, first = {}, 1
    for name, count in counts.items():
        made[Weight[name]] = rows(Weight[name], count, first)
        first += count
    now = tuple(each for weight, found in made.items() if weight <= Weight.RUNNING for each in found)
    shown = [(STATES[weight], len(found)) for weight, found in made.items() if found and weight is not Weight.DONE]
    return Card(
        "#7 Release", "#7", State(Tone.ACTIVE, "🔵", "executing"),
        (line(" · ".join(f"{state.mark} {count} {state.word}" for state, count in shown)),),
        sections=(
            Section(f"Now {len(now)}", now),
            Section(f"Later {counts.get('LATER', 0)}", made.get(Weight.LATER, ()), Show.PROGRESS),
            Section(f"Done {counts.get('DONE', 0)}", made.get(Weight.DONE, ()), Show.PROGRESS, folded=True),
        ),
    )  # fmt: skip


def test_the_progress_of_a_card_is_one_table_with_pages_of_five() -> None:
    card = render_card(under_way(READY=1, LATER=2, DONE=1))
    assert problems(card) == []
    [table] = tables(card)
    assert table["page_size"] == 5
    assert table["columns"][0]["display_name"] == "Later 2 · Done 1"
    assert [column["data_type"] for column in table["columns"]] == ["text", "options", "text"]
    assert [list(each.values()) for each in table["rows"]] == [
        ["▫️ 2 Deploy", [{"text": "later", "color": "neutral"}], "zadig"],
        ["▫️ 3 Deploy", [{"text": "later", "color": "neutral"}], "zadig"],
        ["✅ 4 Deploy", [{"text": "done", "color": "green"}], "zadig"],
    ]
    shown = text_of({"body": {"elements": [each for each in card["body"]["elements"] if each["tag"] != "table"]}})
    assert "1 Deploy ready" in shown
    assert "Later" not in shown, "a heading without rows is left out"


def test_what_has_buttons_or_more_to_say_or_needs_somebody_stays_a_row() -> None:
    script = Excerpt(ExcerptKind.CODE, ("make",))
    progress = (
        Row("1 Deploy", buttons=(RUN,)), row(2, Weight.DONE, "", line("one line")),
        row(3, Weight.DONE, "", line("first"), line("second")), row(4, Weight.DONE, "", script),
        Row("5 Deploy", Weight.RISKY, State(word="risk")), Row("6 Deploy", Weight.CHANGED), row(7, Weight.LATER),
    )  # fmt: skip
    card = render_card(Card("t", "s", sections=(Section("Later 7", progress, Show.PROGRESS),)))
    assert problems(card) == []
    [table] = tables(card)
    assert [each["i"] for each in table["rows"]] == ["✅ 2 Deploy", "▫️ 7 Deploy"]
    assert table["rows"][0]["w"] == "one line"
    others = text_of({"body": {"elements": [each for each in card["body"]["elements"] if each["tag"] != "table"]}})
    assert all(f"{number} Deploy" in others for number in (1, 3, 4, 5, 6))
    assert "Later 7" in others


def test_what_is_done_stays_folded_where_nothing_is_to_do() -> None:
    done = Section("Done 2", rows(Weight.DONE, 2), Show.PROGRESS, folded=True)
    skipped = Section("Skipped 1", rows(Weight.DONE, 1, 3))
    card = render_card(Card("t", "s", sections=(skipped, done)))
    assert tables(card) == []
    assert card["body"]["elements"][-1]["tag"] == "collapsible_panel"


def test_a_column_that_is_empty_in_every_row_is_left_out() -> None:
    card = render_card(Card("t", "s", sections=(Section("Later 1", (Row("1 Deploy"),), Show.PROGRESS),)))
    assert [column["name"] for column in tables(card)[0]["columns"]] == ["i"]
    assert problems(card) == []


def test_few_counts_stand_in_the_header_those_that_need_somebody_as_labels() -> None:
    card = render_card(under_way(BAD=1, READY=2, LATER=3))
    labels = [(each["text"]["content"], each["color"]) for each in card["header"]["text_tag_list"]]
    assert labels == [("🔵 executing", "neutral"), ("❌ 1 failed", "red")]
    assert card["header"]["subtitle"]["content"] == "▶️ 2 ready · ▫️ 3 later"
    assert "1 failed" not in text_of({"body": card["body"]})


def test_many_counts_are_tiles_and_the_first_that_are_next_have_buttons() -> None:
    card = render_card(under_way(BAD=1, PERSON=7, READY=30, RUNNING=6, LATER=200, DONE=56))
    assert problems(card) == []
    assert "subtitle" not in card["header"]
    tiles = card["body"]["elements"][0]
    assert [each["elements"][0]["content"] for each in tiles["columns"]] == [
        "❌ **1**\n<font color='red'>failed</font>", "✋ **7**\n<font color='orange'>waits</font>",
        "▶️ **30**\n<font color='blue'>ready</font>", "⏳ **6**\n<font color='blue'>running</font>",
        "▫️ **200**\n<font color='grey'>later</font>",
    ]  # fmt: skip
    pressed = [one.beside for one in buttons(card) if one.text == "Run"]
    assert [text.split()[0] for text in pressed] == ["❌", *["✋"] * 5, *["▶️"] * 5]
    [table] = tables(card)
    words = [each["s"][0]["text"] for each in table["rows"]]
    assert words[:29] == ["waits"] * 2 + ["ready"] * 25 + ["running"] + ["later"]
    assert len(words) == 2 + 25 + 1 + 100 + 56
    assert "+100 later" in text_of(card)


def test_a_line_that_is_more_than_counts_stays_in_the_card() -> None:
    asked = (line("alice asks · ❌ 1 failed"),)
    card = render_card(Card("t", "s", ask=asked))
    assert text_of({"body": card["body"]}).strip() == "alice asks · ❌ 1 failed"
    assert "text_tag_list" not in card["header"]


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from([each.name for each in STATES]), st.integers(0, 150), min_size=1))
def test_every_item_is_a_row_or_is_counted(counts: dict[str, int]) -> None:
    for taken in (True, False):
        card = render_card(under_way(**counts), tables=taken)
        assert problems(card) == []
        text = text_of({"body": card["body"]})
        counted = map(int, re.findall(r"\+([0-9]+) ", text))
        assert text.count(" Deploy") + sum(counted) == sum(counts.values())


@pytest.mark.parametrize("tables_taken", [True, False])
def test_hidden_rows_are_counted_below(tables_taken: bool) -> None:
    section = Section("Done 9", rows(Weight.DONE, 2), Show.PROGRESS, hidden=(Hidden("done", 7),))
    card = render_card(Card("t", "s", sections=(section,)), tables=tables_taken)
    assert bool(tables(card)) is tables_taken
    assert text_of(card).rstrip().endswith("+7 done")
