"""The limits of plans, data tables and containers: what the simulator takes, and what not."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import validate
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_blocks import problems

JSON = dict[str, Any]


def task(number: int = 1, **fields: Any) -> JSON:
    return {"type": "task_card", "task_id": str(number), "title": "x", "status": "pending", **fields}


def plan(count: int = 1, **fields: Any) -> JSON:
    return {"type": "plan", "title": "x", "tasks": [task(number) for number in range(count)], **fields}


def table(rows: int = 2, text: str = "x", **fields: Any) -> JSON:
    cells = [[{"type": "raw_text", "text": text}, {"type": "raw_text", "text": "y"}] for _ in range(rows)]
    return {"type": "data_table", "caption": "x", "rows": cells, **fields}


def section(text: str = "x") -> JSON:
    return {"type": "section", "text": {"type": "plain_text", "text": text}}


def container(count: int = 1, child: JSON | None = None, **fields: Any) -> JSON:
    title = {"type": "plain_text", "text": "x"}
    return {"type": "container", "title": title, "child_blocks": [child or section()] * count, **fields}


UNEVEN = [[{"type": "raw_text", "text": "x"}], *table()["rows"]]


@pytest.mark.parametrize(
    ("allowed", "refused", "part"),
    [
        ([plan(50)], [plan(51)], "/blocks/0/tasks"),
        ([plan(title="x" * 150)], [plan(title={"type": "plain_text", "text": "x"})], "/blocks/0/title"),
        ([plan(tasks=[task(status="complete")])], [plan(tasks=[task(status="completed")])], "/status"),
        ([plan(tasks=[task(1), task(2)])], [plan(tasks=[task(1), task(1)])], "`task_id` must be unique"),
        ([plan()], [plan(tasks=[task(elements=[])])], "elements"),
        ([plan()], [plan(), plan()], "a plan stands alone"),
        ([task()], [plan(), task(2)], "a plan stands alone"),
        ([table(101)], [table(102)], "/blocks/0/rows"),
        ([table(2)], [table(1)], "/blocks/0/rows"),
        ([table()], [table(caption="")], "/blocks/0/caption"),
        ([table()], [table(rows=0) | {"rows": UNEVEN}], "same length"),
        ([table(page_size=100)], [table(page_size=101)], "/page_size"),
        ([table(row_header_column_index=1)], [table(row_header_column_index=2)], "must be a column"),
        ([table(100, "x" * 99)], [table(101, "x" * 99)], "10001 characters in all"),
        ([table()], [table(), table()], "only one table"),
        ([container(10)], [container(11)], "/child_blocks"),
        ([container()], [container(child=plan())], "/child_blocks"),
        (
            [container(is_collapsible=True, default_collapsed=True)],
            [container(default_collapsed=True)],
            "requires `is_collapsible`",
        ),
        ([container(10)] * 4 + [section()] * 6, [container(10)] * 4 + [section()] * 7, "those in containers included"),
    ],
)
def test_limits(allowed: list[JSON], refused: list[JSON], part: str) -> None:
    assert problems(allowed) == []
    assert part in "\n".join(problems(refused))


@pytest.mark.parametrize(
    "blocks",
    [
        [plan(51)],
        [plan(title="x" * 151)],
        [plan(tasks=[task(status="completed")])],
        [plan(tasks=[task(1), task(1)])],
        [plan(tasks=[task(elements=[])])],
        [table(102)],
        [table(1)],
        [table() | {"rows": UNEVEN}],
        [table(101, "x" * 99)],
        [container(11)],
        [container(child=plan())],
        [container(10)] * 4 + [section()] * 7,
    ],
)
def test_the_adapter_has_the_same_opinion(blocks: list[JSON]) -> None:
    assert validate.problems(blocks)


def test_views_and_other_workspaces_refuse_them() -> None:
    for block in (plan(), table(), container()):
        assert problems([block], "home")
        assert problems([block], "modal")
        assert f"unsupported type: {block['type']}" in problems([block], newest=False)[0]


async def test_a_message_has_at_most_12000_characters() -> None:
    async with SlackSimulator() as sim:
        sim.add_channel("C1", "releases")
        message = {"channel": "C1", "text": "x", "blocks": [section("x" * 3000)] * 4}
        assert (await post(sim, message))["ok"]
        assert (await post(sim, message | {"blocks": [*message["blocks"], table(100, "x" * 99)]}))["error"] == (
            "msg_blocks_too_long"
        )
        few = [*message["blocks"][1:], section("x" * 2999), table(100, "x" * 99)]
        assert (await post(sim, message | {"blocks": few}))["ok"]


async def post(sim: SlackSimulator, message: JSON) -> JSON:
    try:
        return dict((await AsyncWebClient(sim.bot_token, sim.api_url).chat_postMessage(**message)).data)  # type: ignore[arg-type]
    except SlackApiError as error:
        return dict(error.response.data)
