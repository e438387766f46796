"""The blocks that Slack enables one workspace after the other: `plan`, `data_table` and `container`.

Slack docs: reference/block-kit/blocks (plan, task card, data table, container). Where a workspace refuses them
(`adapters.slack.taking`), rows stand in their place.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from adapters.slack.components import count_characters
from adapters.slack.text import JSON, line

TYPES: Final = frozenset({"plan", "data_table", "container"})
MESSAGE_CHARACTERS: Final = 12_000  # of all texts but those in tables; somewhat above, it is msg_blocks_too_long
TASKS: Final = 50  # tasks of a plan: Slack documents no limit
TABLE_ROWS: Final = 100  # below the header
TABLE_CHARACTERS: Final = 10_000  # of all cells of the tables of a message
CHILDREN: Final = 10  # blocks in a container
TITLE: Final = 150  # characters of the title of a block or a task


def newest_types(blocks: Iterable[JSON]) -> frozenset[str]:
    """Return the types of the blocks that a workspace could refuse."""
    return TYPES & {block["type"] for block in blocks}


def with_new_ids(blocks: Iterable[JSON]) -> list[JSON]:
    """Return the blocks with new ids where Slack wants others at each update of a message."""
    return [block | {"block_id": secrets.token_hex(8)} if _keeps_state(block) else block for block in blocks]


def _keeps_state(block: JSON) -> bool:
    """Return whether Slack may show what was opened or picked before the update."""
    return block["type"] in TYPES or any(each["type"] == "static_select" for each in block.get("elements", ()))


def count_blocks(blocks: Sequence[JSON]) -> int:
    """Return the number of blocks, with those in containers."""
    return len(blocks) + sum(len(block.get("child_blocks", ())) for block in blocks)


def texts_fit(blocks: Sequence[JSON]) -> bool:
    """Return whether the texts of a message are within the limits of it and of its tables."""
    if len(orjson.dumps(blocks)) <= TABLE_CHARACTERS:  # a text has no more characters than its JSON has bytes
        return True
    texts, cells = count_texts(blocks)
    return texts <= MESSAGE_CHARACTERS and cells <= TABLE_CHARACTERS


def count_texts(blocks: Iterable[JSON]) -> tuple[int, int]:
    """Return the number of characters outside of tables, and in them."""
    counts = Counter({"text": 0})
    for block in blocks:
        counts["table" if block["type"] == "data_table" else "text"] += count_characters(block)
    return counts["text"], counts["table"]


def container(title: str, children: Sequence[JSON]) -> JSON:
    """Return blocks that are hidden until somebody opens them."""
    return {
        "type": "container",
        "title": line(title, TITLE),
        "is_collapsible": True,
        "default_collapsed": True,
        "width": "full",
        "child_blocks": list(children),
    }
