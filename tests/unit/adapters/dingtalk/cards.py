"""Cards as the bot makes them."""

from __future__ import annotations

from typing import Any

from core.card import Button, Card, Field, Part, Row, Section, State, Tone, line, paragraph

OPEN = Button("open", "打开", url="https://fabu.example/plans/12")
REASON = Field("为什么驳回？", required=True)
APPROVE = Button("approve", "批准", "plan.r1")
REJECT = Button("reject", "驳回", "plan.r1", field=REASON)
CANCEL = Button("cancel", "取消计划", "plan.r1", confirm="计划将不可恢复？")


def item(position: int, *verbs: str, mark: str = "▫️") -> Row:
    buttons = tuple(
        Button(verb, verb, f"plan.r1.i{position}", field=REASON if verb == "skip" else None) for verb in verbs
    )
    return Row(f"{position} 第{position}步", state=State(mark=mark, word="待办"), buttons=buttons)


def plan_card(*rows: Row, buttons: tuple[Button, ...] = (), **changes: Any) -> Card:
    fields: dict[str, Any] = {
        "title": "#12 支付服务",
        "summary": "#12 支付服务: 执行中",
        "state": State(Tone.ACTIVE, "🔵", "执行中"),
        "foot": (line("负责人 Alice"),),
        "sections": (
            paragraph("灰度发布"),
            Section("审批", (Row("QA", state=State(Tone.GOOD, "✅", "同意"), line=line("Bob")),), part=Part.VOTES),
            Section("发布项", rows=rows),
        ),
        "buttons": buttons,
        "more": OPEN,
    }
    return Card(**fields | changes)
