from __future__ import annotations

import pytest

from bot.chat.grammar import TypedCommand, parse
from bot.verbs import ChatVerb
from core.commands import Verb

LIST, SHOW = TypedCommand(ChatVerb.LIST), TypedCommand(ChatVerb.SHOW, "12")


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (": list", LIST),
        ("：列表。", LIST),
        (", list!", LIST),
        ("`list`", LIST),
        (": `list`", LIST),
        ("list mine.", TypedCommand(ChatVerb.LIST, rest="mine")),
        ("show 12.", SHOW),
        ("show #12?", SHOW),
        ("`show 12`", SHOW),
        ("```\nshow 12\n```", SHOW),
        ("show `12`", SHOW),
        ("ｓｈｏｗ　＃１２", SHOW),
        ("／查看１２。", SHOW),
        ("sh\u200bow\u00a012", SHOW),
        ("帮助？", TypedCommand(ChatVerb.HELP)),
        ("？", TypedCommand(ChatVerb.HELP)),
        ("new 支付（二期）。", TypedCommand(ChatVerb.NEW, rest="支付（二期）。")),
    ],
)
def test_punctuation_width_and_backticks_do_not_count(text: str, typed: TypedCommand) -> None:
    assert parse(text) == typed


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("批准12", ""),
        ("批准１２，没问题", "没问题"),
        ("批准 12没问题", "没问题"),
        ("approve 12, looks `good`.", "looks `good`."),
        ("`approve` 12 looks good", "looks good"),
    ],
)
def test_a_comment_stays_as_it_is_typed(text: str, comment: str) -> None:
    assert parse(text) == TypedCommand(Verb.APPROVE, "12", rest=comment)


@pytest.mark.parametrize("number", ["1.5", "1e9", "-1", "1/2"])
def test_what_is_no_number_is_not_read_as_one(number: str) -> None:
    assert parse(f"approve {number}").plan == number


@pytest.mark.parametrize("item", ["`deploy.sh`", '"deploy.sh"', "「deploy.sh」", "deploy.sh", "deploy.sh."])
def test_an_item_may_be_in_backticks_or_quotes(item: str) -> None:
    assert parse(f"skip 1 {item} not now") == TypedCommand(Verb.SKIP, "1", "deploy.sh", "not now")
