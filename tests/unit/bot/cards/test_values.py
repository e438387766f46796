"""Values inside a plan as text."""

from __future__ import annotations

from bot.cards.values import write_workflow


def test_a_workflow_is_written_whole_without_credentials() -> None:
    spec = {
        "name": "w",
        "params": [{"name": "KEY", "value": "s3cret", "is_credential": True}],
        "stages": [
            {"name": "s", "jobs": [{"name": "j", "type": "freestyle", "spec": {"script": "# why\nrm -rf x\n"}}]}
        ],
    }
    shown = write_workflow(spec)
    assert "script: |\n" in shown
    assert "# why\n" in shown, "what a card leaves out is here"
    assert "s3cret" not in shown


def test_what_would_be_invisible_is_written() -> None:
    spec = {"stages": [{"jobs": [{"type": "freestyle", "spec": {"script": "rm a\u200bb"}}]}]}
    assert "\u200b" not in write_workflow(spec)
