"""A card as Fabu would send it, for tests to take apart."""

from __future__ import annotations

from typing import Any


def plain(content: str) -> dict[str, Any]:
    return {"tag": "plain_text", "content": content}


def button(text: str, value: object, **more: Any) -> dict[str, Any]:
    behaviors = [{"type": "callback", "value": value}]
    return {"tag": "button", "text": plain(text), "behaviors": behaviors, **more}


def card(*elements: dict[str, Any], title: str = "Release 7") -> dict[str, Any]:
    return {
        "schema": "2.0",
        "config": {"update_multi": True},
        "header": {"title": plain(title), "template": "blue"},
        "body": {"elements": list(elements) or [{"tag": "markdown", "content": "**2** items"}]},
    }


def form(*elements: dict[str, Any], name: str = "vote") -> dict[str, Any]:
    return {"tag": "form", "name": name, "elements": list(elements)}


def vote() -> dict[str, Any]:
    """Return a form with a reason and two ways to submit it."""
    reason = {
        "tag": "input",
        "name": "reason",
        "required": True,
        "max_length": 200,
        "label": plain("Reason"),
        "placeholder": plain("Why"),
    }
    note = {"tag": "input", "name": "note", "default_value": "none"}
    approve = button("Approve", {"ref": "r1"}, name="approve", form_action_type="submit", type="primary")
    reject = button("Reject", '{"ref": "r2"}', name="reject", form_action_type="submit", type="danger")
    row = {
        "tag": "column_set",
        "columns": [{"tag": "column", "elements": [approve]}, {"tag": "column", "elements": [reject]}],
    }
    return card({"tag": "div", "text": plain("Ship it?")}, {"tag": "hr"}, form(reason, note, row))
