"""The gallery of cards is what the renderers send, and the simulators take it."""

from __future__ import annotations

import json

from adapters.dingtalk.validate import PUBLIC, param_problems
from adapters.feishu.validate import problems
from tests.gallery import FOLDER, LOCALES, PLANS, RENDERERS, cards, payloads
from tests.simulators import slack_blocks


def test_the_gallery_is_what_the_chats_get() -> None:
    """Run `python -m tests.gallery` after a change of cards, and look at what it changes."""
    made = dict(payloads())
    assert sorted(made) == sorted(file.name for file in FOLDER.glob("*.json"))
    assert [name for name, text in made.items() if (FOLDER / name).read_text(encoding="utf-8") != text] == []


def test_the_vendors_take_every_card_of_it() -> None:
    for kind in PLANS:
        for _, card in cards(kind, LOCALES["feishu"]):
            assert slack_blocks.problems(RENDERERS["slack"](card)["blocks"]) == []
            assert problems(RENDERERS["feishu"](card)) == []
            assert list(param_problems(RENDERERS["dingtalk"](card), PUBLIC, complete=True)) == []


def test_a_plan_under_way_has_the_buttons_of_its_next_steps_at_any_size() -> None:
    for kind in PLANS.keys() - {"1"}:
        card = dict(cards(kind, LOCALES["feishu"]))[f"executing-{kind}"]
        assert '"action_id": "retry"' in json.dumps(RENDERERS["slack"](card))
        assert '"verb": "retry"' in json.dumps(RENDERERS["feishu"](card))
        assert RENDERERS["dingtalk"](card)["n1_retry"] == "true"
