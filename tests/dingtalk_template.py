"""The card template of DingTalk, in config/dingtalk_card.json: `python -m tests.dingtalk_template` writes it anew.

The card builder keeps a template twice: as components with their properties (`editorData`), and as what is drawn
(`widgetInfo`). Both are made here from one layout, and a test compares the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from adapters.dingtalk.validate import FLAGS, PLAN_VERBS, PRIVATE, PUBLIC, ROWS, SLOT_VERBS, SLOTS
from tests.dingtalk_components import Knob, Node, buttons, divider, entry, frame, markdown, prompt, text

FILE: Final = Path(__file__).parents[1] / "config" / "dingtalk_card.json"
LABELS: Final = {
    "submit": "提交 Submit",
    "recheck": "重新检测 Recheck",
    "approve": "同意 Approve",
    "reject": "驳回 Reject",
    "replan": "重新规划 Replan",
    "cancel": "取消计划 Cancel",
    "retry": "重试 Retry",
    "skip": "跳过 Skip",
    "show": "查看 Show",
}


def layout() -> Iterator[Node]:
    """Yield the card from top to bottom."""
    yield markdown("ask", "请求")
    yield text("risk", "风险", flag="show_risk")
    yield text("changes", "改动", flag="show_changes")
    yield text("touches", "影响范围")
    yield divider("line1")
    yield entry("input_item", "hint_item")
    for number, slot in enumerate(SLOTS, 1):
        yield text(slot, f"待办 {number}", flag=f"show_{slot}")
        yield buttons(f"{slot}_buttons", f"待办 {number} 按钮", *_slot(slot))
    for number, row in enumerate(ROWS, 1):
        yield text(row, f"发布项 {number}")
    yield text("rest", "其余", pale=True)
    yield divider("line2")
    yield text("votes", "审批", flag="show_votes")
    yield entry("input", "hint")
    colors = {"approve": "blue", "submit": "blue", "reject": "red", "cancel": "red"}
    plan = (Knob(f"show_{verb}", LABELS[verb], colors.get(verb, "gray"), verb, "ref") for verb in PLAN_VERBS)
    yield buttons("plan_buttons", "计划按钮", *plan)
    yield buttons("page", "链接", Knob("show_url", "${url_text}", "blue"))
    yield text("note", "仅本人可见的答复", lines=4, pale=True)
    yield text("foot", "页脚", lines=12, pale=True)


def _slot(slot: str) -> Iterator[Knob]:
    for verb in SLOT_VERBS:
        label = f"${{{slot}_go}}" if verb == "execute" else LABELS[verb]
        color = "blue" if slot == SLOTS[0] and verb in ("execute", "retry") else "gray"
        yield Knob(f"{slot}_{verb}", label, color, str(verb), f"{slot}_ref")


def variable(name: str, meaning: str, *, private: bool = False) -> dict[str, Any]:
    """Return the declaration of a variable."""
    kind = "boolean" if name in FLAGS else "markdown" if name == "ask" else "string"
    return {
        "name": name,
        "private": private,
        "type": kind,
        "id": name,
        "description": meaning,
        "editorVarType": "variables",
    }


def mock() -> dict[str, Any]:
    """Return what the builder shows in its preview: a plan that waits for approval."""
    texts = {
        "title": "#12 支付服务 v4.0 发布",
        "status": "等待审批",
        "status_color": "orange",
        "ask": "**🟡 Alice 请你审批**",
        "i1": "【1】通知客服 · 人工",
        "i2": "【2】发布 pay\ndeploy · prod",
        "url_text": "打开",
    }
    shown = {"show_approve", "show_reject", "show_input", "show_url"}
    blank: dict[str, Any] = {name: name in shown if name in FLAGS else "" for name in PUBLIC}
    return {"cardData": blank | texts, "cardPrivateData": dict.fromkeys(PRIVATE, ""), "localData": {"text": ""}}


def make() -> str:
    """Return the file to import."""
    card = frame(layout())
    kinds = ["Markdown", "BaseTextBlock", "DividerBlock", "Input", "ButtonBlock", "StdCard"]
    package = {"package": "@ali/dxComponent", "version": "1.0.0"}
    source = {"main": "./src/index.tsx", "destructuring": False, "subName": ""}
    chains = {f"node_fabu_{name}_text": prompt(hint) for name, hint in (("input", "hint"), ("input_item", "hint_item"))}
    said = "What the person typed: a reason or remark."
    editor = {
        "schemaVersion": "2.0.0",
        "schema": {
            "version": "1.0.0",
            "componentsMap": [package | {"exportName": kind} | source | {"componentName": kind} for kind in kinds],
            "componentsTree": [card.editor],
            "i18n": {},
        },
        "mockData": mock(),
        "editVersion": 0,
        "customWidgetInfo": "",
        "useCustomWidgetInfo": False,
        "variableList": [
            *(variable(name, meaning) for name, meaning in PUBLIC.items()),
            *(variable(name, meaning, private=True) for name, meaning in PRIVATE.items()),
        ],
        "formList": [],
        "expList": [],
        "localList": [variable("text", said) | {"editorVarType": "localList"}],
        "hsfList": [],
        "lwpList": [],
        "extension": {
            "extendType": "NORMAL",
            "fileTypeList": [{"fileName": "event_chain", "fileSource": _compact(chains), "fileType": "json"}],
        },
    }
    file = {"editorData": _compact(editor), "widgetInfo": card.widget, "type": "standard", "mode": "card"}
    return json.dumps(file, ensure_ascii=False, indent=1) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    FILE.write_text(make(), encoding="utf-8")
