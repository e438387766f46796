from __future__ import annotations

from typing import Any

import pytest

from core.differences import differences


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a[1]", None, 2)]),
        ({"a": [1]}, {"b": 5}, [("a", [1], None), ("b", None, 5)]),
        ({"a": None}, {}, [("a", None, None)]),
        ({"a": "x"}, {"a": ["x"]}, [("a", "x", ["x"])]),
        ({"a": [True, 0]}, {"a": [1, False]}, [("a[0]", True, 1), ("a[1]", 0, False)]),
    ],
)
def test_values_are_compared_place_by_place(before: Any, after: Any, expected: Any) -> None:
    assert [(each.path, each.before, each.after) for each in differences(before, after)] == expected


def item(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key, **fields}


def paths(before: list[Any], after: list[Any]) -> list[str]:
    return [each.path for each in differences({"items": before}, {"items": after})]


def test_an_item_put_in_between_changes_no_other() -> None:
    assert paths([item("a"), item("c")], [item("a"), item("b"), item("c")]) == ["items[b]"]


def test_items_are_followed_by_their_keys() -> None:
    assert paths([item("a"), item("b")], [item("b", name="B")]) == ["items[a]", "items[b].name"]


def test_a_change_of_order_is_told_once() -> None:
    (order,) = differences({"items": [item("a"), item("b")]}, {"items": [item("b"), item("a")]})
    assert (order.path, order.before, order.after) == ("items", ["a", "b"], ["b", "a"])


def test_keys_that_are_not_unique_are_no_names() -> None:
    same = [{"key": "X", "value": 1}, {"key": "X", "value": 2}]
    assert paths(same, [same[0], {"key": "X", "value": 3}]) == ["items[1].value"]
