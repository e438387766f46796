"""Cards as the bot makes them."""

from __future__ import annotations

from core.card import Button, Card, Field, Form, Row, Section, State, Style, Tone, Weight, line, paragraph

APPROVE = Button("approve", "Approve", "ref-1", Style.PRIMARY)
REJECT = Button("reject", "Reject", "ref-1", Style.DANGER, Field("Why?", hint="Shown to all", required=True))
SKIP = Button("skip", "Skip", "ref-1.b", field=Field("Why is it skipped?", required=True, multiline=True))

WHY = Form("reject", "ref-1", "Reject: #7 Payments", "Reject", (Field("Why?", hint="Shown to all", required=True),))

DONE, RUNNING, LATER = (
    State(Tone.GOOD, "✅", "done"),
    State(Tone.ACTIVE, "⏳", "running"),
    State(mark="▫️", word="later"),
)


def card(title: str = "#7 Payments", *buttons: Button) -> Card:
    done = Button("execute", "Done", "ref-1.b", Style.PRIMARY)
    rows = (
        Row("1 Approve plan", Weight.DONE, DONE, line("bob")),
        Row("2 Deploy api", Weight.RUNNING, RUNNING, url="https://ci.example.com/1?a=1&b=2"),
        Row("3 Warm caches", Weight.PERSON, LATER, buttons=(done, SKIP)),
        Row("4 Announce", Weight.PERSON, LATER, buttons=(Button("execute", "Done", "ref-1.c"),)),
    )
    return Card(
        title,
        f"{title}: executing",
        State(Tone.ACTIVE, "🔵", "executing, 1 of 4 done"),
        (line("window 20:00 – 22:00"),),
        sections=(paragraph("Ship it"), Section("Release items", rows)),
        buttons=buttons
        or (APPROVE, REJECT, Button("cancel", "Cancel plan", "ref-1", Style.DANGER, confirm="For good?")),
        foot=(line("revision 2 · manager: Alice"), line("Open since 20:00")),
        more=Button("open", "Open", url="https://fabu.example.com/plans/7"),
    )


NEW = Form(
    "new",
    "",
    "New release plan",
    "Create",
    (Field("Name", "name", required=True, value="v2", max_length=200), Field("Items", "items", multiline=True)),
)
