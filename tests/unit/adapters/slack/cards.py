"""Cards as the bot makes them."""

from __future__ import annotations

from core.card import Button, Card, Fact, Field, Form, Row, Section, Style, Tone

APPROVE = Button("approve", "Approve", "ref-1", Style.PRIMARY)
REJECT = Button("reject", "Reject", "ref-1", Style.DANGER, Field("Why?", hint="Shown to all", required=True))
SKIP = Button("skip", "Skip", "ref-1.b", field=Field("Why is it skipped?", required=True, multiline=True))

WHY = Form("reject", "ref-1", "Reject: #7 Payments", "Reject", (Field("Why?", hint="Shown to all", required=True),))


def card(title: str = "#7 Payments", *buttons: Button) -> Card:
    rows = (
        Row("Approve plan", "✅", "bob"),
        Row("Deploy api", "⏳", "running", "https://ci.example.com/1?a=1&b=2"),
        Row("Warm caches", "▫️", "todo", buttons=(Button("execute", "Done", "ref-1.b", Style.PRIMARY), SKIP)),
        Row("Announce", "▫️", "todo", buttons=(Button("execute", "Done", "ref-1.c"),)),
    )
    return Card(
        title,
        f"{title}: executing",
        Tone.ACTIVE,
        "executing",
        (Fact("Manager", "Alice"), Fact("Window", "20:00 – 22:00")),
        (Section(text="Ship it"), Section("Release items", rows=rows)),
        buttons or (APPROVE, REJECT, Button("cancel", "Cancel plan", "ref-1", Style.DANGER, confirm="For good?")),
        "Open since 20:00",
        Button("open", "Open", url="https://fabu.example.com/plans/7"),
    )


NEW = Form(
    "new",
    "",
    "New release plan",
    "Create",
    (Field("Name", "name", required=True, value="v2", max_length=200), Field("Items", "items", multiline=True)),
)
