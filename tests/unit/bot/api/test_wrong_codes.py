"""Wrong codes of callbacks are counted for each pair of a client and a plan."""

from __future__ import annotations

import pytest

from bot.api import callback
from bot.api.callback import SPAN, WRONG_CODES, WrongCodes
from tests.worlds import START

HERE = ("192.0.2.1", "plan")


def test_a_pair_has_a_few_and_others_are_not_held_up() -> None:
    codes = WrongCodes()
    for _ in range(WRONG_CODES):
        assert not codes.too_many(HERE, START)
        codes.count(HERE)
    assert codes.too_many(HERE, START)
    assert not codes.too_many(("192.0.2.1", "another plan"), START)
    assert not codes.too_many(("192.0.2.2", "plan"), START)
    assert not codes.too_many(HERE, START + SPAN)


def test_plans_that_do_not_exist_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "MOST", 3)
    codes = WrongCodes()
    codes.too_many(HERE, START)
    for number in range(10):
        codes.count(("192.0.2.1", str(number)))
        assert len(codes) <= 3
