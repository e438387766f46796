"""Rows are fitted into a vendor's room by their weight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.common.fitting import MUST_BE_SHOWN, fit_card
from core.card import Button, Card, Row, Section, State, Style, Weight, line, plain

REVIEW = Button("open", "Review", url="https://fabu.example/plans/1")
APPROVE = Button("approve", "Approve", "p1", Style.PRIMARY)
REJECT = Button("reject", "Reject", "p1")
ACT = Button("retry", "Retry", "p1.i1")


def size(card: Card) -> int:
    """Return how much room a card takes, in characters of its rows."""
    return sum(
        len(row.title) + len(plain(row.line)) + sum(len(plain(each)) for each in row.body if isinstance(each, tuple))
        + 5 * len(row.buttons)
        for row in card.rows
    )  # fmt: skip


def fit(card: Card, room: int) -> Card:
    return fit_card(card, lambda candidate: size(candidate) <= room)


def sizes(card: Card, fitted: Card) -> list[int]:
    """Return for each row of a card 0 if it is counted, 1 if it is short, and 2 if it is full."""
    by_title = {row.title: row for row in fitted.rows}
    return [(row.title in by_title) + (by_title.get(row.title) == row) for row in card.rows]


rows = st.builds(
    lambda weight, words, body: (weight, words, body),
    st.sampled_from(Weight),
    st.text("ab", min_size=1, max_size=5),
    st.text("ab", min_size=1, max_size=80),
)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """Draw a card with up to three sections, whose rows have titles that are all different."""
    numbers = iter(range(1000))
    sections = [
        Section(
            rows=tuple(
                Row(f"{next(numbers)} {words}", weight, State(word=weight.name), line(words), (line(body),), (ACT,))
                for weight, words, body in draw(st.lists(rows, max_size=12))
            )
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    return Card("#1", "#1", sections=tuple(sections), buttons=(APPROVE, REJECT), review=REVIEW)


@given(cards(), st.integers(0, 2000))
def test_a_card_is_never_larger_than_the_room(card: Card, room: int) -> None:
    assert size(fit(card, room)) <= room


@given(cards(), st.integers(0, 2000), st.integers(0, 500))
def test_more_room_never_shows_less(card: Card, room: int, more: int) -> None:
    pairs = zip(sizes(card, fit(card, room)), sizes(card, fit(card, room + more)), strict=True)
    assert all(with_less <= with_more for with_less, with_more in pairs)


@given(cards(), st.integers(0, 2000))
def test_no_heavier_row_is_smaller_than_a_lighter_one(card: Card, room: int) -> None:
    shown = list(zip(card.rows, sizes(card, fit(card, room)), strict=True))
    for row, its_size in shown:
        assert all(its_size >= other_size for other, other_size in shown if row.weight < other.weight)


@given(cards(), st.integers(0, 2000))
def test_what_is_shown_and_what_is_counted_adds_up(card: Card, room: int) -> None:
    for before, after in zip(card.sections, fit(card, room).sections, strict=True):
        for weight in Weight:
            shown = sum(row.weight is weight for row in after.rows)
            counted = sum(each.count for each in after.hidden if each.word == weight.name)
            assert shown + counted == sum(row.weight is weight for row in before.rows)


@given(cards(), st.integers(0, 2000))
def test_rows_to_act_on_stand_with_their_buttons_and_in_order(card: Card, room: int) -> None:
    fitted = fit(card, room)
    assert all(row.buttons for row in fitted.rows if row.weight <= Weight.YOURS)
    titles = [row.title for row in card.rows]
    assert [row.title for row in fitted.rows] == [t for t in titles if t in {row.title for row in fitted.rows}]


@given(cards(), st.integers(0, 2000))
def test_nobody_decides_by_a_button_without_all_risky_and_changed_rows_in_full(card: Card, room: int) -> None:
    fitted = fit(card, room)
    pairs = zip(card.rows, sizes(card, fitted), strict=True)
    whole = all(its_size == 2 for row, its_size in pairs if row.weight in MUST_BE_SHOWN)
    assert fitted.buttons == ((APPROVE, REJECT) if whole else (REVIEW, REJECT))


def test_of_hundreds_of_rows_the_next_steps_have_their_buttons() -> None:
    ready = tuple(Row(f"{n} Deploy", Weight.READY, State(word="ready"), buttons=(ACT,)) for n in range(300))
    waiting = Row("300 Wait", Weight.PERSON, State(word="waits"))
    card = Card("#1", "#1", sections=(Section(rows=(*ready, waiting)),))
    fitted = fit(card, 500)
    assert [row.title for row in fitted.rows if row.buttons] == ["0 Deploy", "1 Deploy", "2 Deploy"]
    assert waiting in fitted.rows
    assert fitted.sections[0].hidden


def test_the_rows_that_are_hidden_are_counted_by_their_state() -> None:
    ready = [Row(f"{n}", Weight.READY, State(word="ready")) for n in range(3)]
    done = [Row(f"{n}", Weight.DONE, State(word="done")) for n in range(3, 8)]
    [section] = fit(Card("#1", "#1", sections=(Section(rows=(*ready, *done)),)), 1).sections
    assert section.rest == "+2 ready · +5 done"


def test_a_paragraph_that_finds_no_room_is_not_counted() -> None:
    text = Section(rows=(Row(body=(line("a long text"),)),))
    [section] = fit(Card("#1", "#1", sections=(text,)), 1).sections
    assert (section.rows, section.rest) == ((), "")


def test_of_rows_to_act_on_none_is_hidden_so_that_another_is_shown_in_full() -> None:
    failed = Row("1", Weight.BAD, body=(line("x" * 100),), buttons=(ACT,))
    card = Card("#1", "#1", sections=(Section(rows=(failed, Row("2", Weight.YOURS, buttons=(ACT,)))),))
    assert fit(card, 50).rows == (failed.short, card.rows[1])
