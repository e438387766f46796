"""Plans that are longer than a Feishu card may be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.feishu.validate import MAX_BYTES, MAX_ELEMENTS, count_elements
from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice, button_of
from tests.scenario.office import script, step

NAME = "支付服务灰度发布到华东一区并观察错误率" * 10


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


async def test_three_hundred_items_with_long_texts(case: FeishuOffice) -> None:
    words = "灰度" * 10_000
    items = [step(f"s{n}", name=f"{n} {NAME}", content=f"<p>{words[:500]}</p>") for n in range(150)]
    items += [script(f"w{n}", "true", name=f"{n} {NAME}", assignee="erin" if n == 0 else "") for n in range(150)]
    await case.fabu.submitted(*items, name=NAME, description=words, stages=[FEISHU.stage(NAME, "bob", "dave", rule=1)])
    assert "#1 is now: executing." in await case.bob.clicks("Approve", text="可以" * 500)
    card = await case.channel_card("executing", "0 of 300 done", "+")
    assert button_of(card, "Done")
    await case.erin.sees("151 0 支付服务")

    assert (await case.alice.presses("Done", on=card, text="完" * 1000)).body["toast"]["type"] == "success"
    assert "is skipped" in await case.alice.says(f"skip 1 2 {'原因' * 1500}", GROUP)
    assert "is running" in await case.alice.says("execute 1 300", GROUP)
    await case.channel_card("2 of 300 done")
    for words in ("show 1", "log 1", "list", "list mine"):
        await case.alice.asks(words, GROUP)
    bodies = [call.arguments for call in case.feishu.calls if call.operation.startswith("im.message.")]
    assert max(len(json.dumps(body, ensure_ascii=False).encode()) for body in bodies) <= MAX_BYTES
    sent = [m for m in case.feishu.messages.values() if m.msg_type == "interactive"]
    for content in [content for message in sent for content in [*message.history, message.content]]:
        assert count_elements(content) <= MAX_ELEMENTS
    assert [call for call in case.feishu.calls if call.answer.get("code") == 230099] == [], "nothing was refused"
