"""What the terminal shows of differences."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cli.difftext import format_differences
from core.differences import Difference


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        ("name", "A", "B", '  name: "A" → "B"'),
        ("description", None, "", ""),
        ("items[a].workflow.stages[0].jobs[0].spec.repos[0].tag", None, "", '  {path}: ∅ → ""'),
        ("items[a].workflow.disabled", None, False, "  {path}: ∅ → false"),
        ("items[a].workflow.params[0].value", "********", "********", "  {path}: the credential changed"),
        ("name", "A\u202e", "A\x1b[2J", '  name: "A⟨U+202E⟩" → "A\\u001b[2J"'),
        ("description", "a\nb", "a\nb\n", "  description:\n    @@ -1,2 +1,3 @@\n     a\n     b\n    +"),
        ("description", "a\r\n", "a\n", "  description:\n    @@ -1,2 +1,2 @@\n    -a⟨U+000D⟩\n    +a\n     "),
    ],
)
def test_each_difference_is_shown(path: str, before: Any, after: Any, expected: str) -> None:
    assert format_differences([Difference(path, before, after)]) == expected.format(path=path)


def test_an_item_that_is_new_is_shown_whole() -> None:
    script = "\n".join(f"step {number}" for number in range(50))
    shown = format_differences([Difference("items[a]", None, {"key": "a", "spec": {"script": script}})])
    assert [line for line in shown.splitlines() if "step" in line] == [f"    +    step {n}" for n in range(50)]


def test_a_long_value_without_lines_is_shown_whole() -> None:
    shown = format_differences([Difference("items[a].workflow.params[0].value", "x" * 500, "x" * 499 + "y")])
    assert shown.splitlines()[2:] == [f"    -{'x' * 500}", f"    +{'x' * 499}y"]
