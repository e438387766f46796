"""`fabu chat`: the grammar, buttons and forms, typed line by line."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.unit.bot.cli.conftest import BY_BOB, Terminal

STEPS = "items: [{key: a, name: Step A, type: text}]"
APPROVAL = "approval: {stages: [{name: QA, approvers: [bob]}]}"


def typed(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_a_command_is_answered_and_its_outcome_is_the_exit_code(alice: Terminal) -> None:
    assert "Commands" in alice.fabu("chat", "--command", "help")
    told = alice.fabu("chat", "--command", "shwo 1", "--command", "help", code=1)
    assert "Did you mean `show`?" in told
    assert "Commands" in told


def test_plans_are_listed_by_status_in_the_words_of_the_cards_and_of_the_api(alice: Terminal) -> None:
    alice.plan(name="name: Listed", items=STEPS)
    for status in ("planning", "successful", "success"):
        told = alice.fabu("chat", "--command", f"list {status}")
        assert ("Listed" in told) is (status == "planning")
    refused = alice.fabu("chat", "--command", "list finished", code=1)
    assert "there is no status finished; use one of: planning, planning finished, waiting for approval" in refused


def test_buttons_are_pressed_by_number_and_ask_what_they_need(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name="name: Pressed", items=STEPS, approval=APPROVAL)
    alice.fabu("plan", "submit", number)
    told = bob.fabu("chat", text=typed(f"show {number}", "2", "", "not tested,", "not at all", "", "9", "quit"))
    assert "Why do you reject it? (required; end with an empty line): " * 2 in told
    assert "There is no button 9 on the last card." in told
    plan = json.loads(alice.fabu("plan", "show", number, "--json"))
    assert plan["status"] == "denied"
    assert plan["approval"]["stages"][0]["votes"][0]["comment"] == "not tested,\nnot at all"


def test_a_dangerous_button_asks_whether_it_is_meant(alice: Terminal) -> None:
    number = alice.plan(name="name: Kept", items=STEPS)
    told = alice.fabu("chat", text=typed(f"show {number}", "2", "n"))
    assert "Give up this plan for good? Running workflows are stopped. [y/N] Nothing was sent." in told
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["status"] == "planning"
    alice.fabu("chat", text=typed(f"show {number}", "2", "y"))
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["status"] == "cancel"


def test_a_form_asks_its_fields_and_again_those_that_are_wrong(alice: Terminal) -> None:
    lines = ("new", "By form", "", "bob", "tomorrow", "step one", "step two", "", "", "quit")
    told = alice.fabu("chat", text=typed(*lines))
    assert "New release plan" in told
    assert told.count("Name (required): ") == 1
    assert told.count("Window (2026-01-31 20:00 / 2026-01-31 22:00): ") == 2
    assert "“By form” is started." in told
    found = json.loads(alice.fabu("plan", "list", "--search", "By form", "--json"))
    plan = json.loads(alice.fabu("plan", "show", str(found[0]["number"]), "--json"))
    assert [item["name"] for item in plan["items"]] == ["step one", "step two"]
    assert plan["approval"]["stages"][0]["approvers"] == ["bob"]


def test_input_that_ends_in_a_question_sends_nothing(alice: Terminal) -> None:
    number = alice.plan(name="name: Asked", items=STEPS)
    alice.fabu("plan", "submit", number)
    assert "Nothing was sent." in alice.fabu("chat", text=typed(f"show {number}", "2"))
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["status"] == "executing"


def test_a_conversation_survives_what_is_refused(terminal: Terminal) -> None:
    told = terminal.fabu("chat", "--url", "http://127.0.0.1:1", "--token", "x", text=typed("list", "list"))
    assert told.count("There is no Fabu at http://127.0.0.1:1") == 2


def test_invisible_characters_are_no_part_of_names_and_commands(alice: Terminal) -> None:
    assert "“Release 9” is started." in alice.fabu("chat", "--command", "n\u200bew Rel\u200fease 9\ufeff")
    (found,) = json.loads(alice.fabu("plan", "list", "--search", "Rel\u2066ease 9", "--json"))
    assert found["name"] == "Release 9"


def test_in_what_runs_they_are_kept_and_shown(alice: Terminal, bob: Terminal) -> None:
    job = '{name: go, type: freestyle, spec: {script: "echo a\\u200bb"}}'
    params = '[{name: TARGET, value: "pro\\u202ed"}]'
    workflow = f"{{name: deploy, params: {params}, stages: [{{name: all, jobs: [{job}]}}]}}"
    items = f'items: [{{key: a, name: "Dep\\u200floy", type: workflow, workflow: {workflow}}}]'
    number = alice.plan(name="name: Kept as written", items=items, approval=BY_BOB)
    told = alice.fabu("plan", "show", number)
    assert "Deploy" in told
    assert "TARGET=pro⟨U+202E⟩d" in told
    (item,) = json.loads(alice.fabu("plan", "show", number, "--json"))["items"]
    assert item["workflow"]["stages"][0]["jobs"][0]["spec"]["script"] == "echo a\u200bb"
    alice.fabu("plan", "submit", f"{number}\u200b")
    bob.fabu("plan", "approve", number, "--yes")
    alice.fabu("plan", "skip", number, "dep\ufeffloy", "not now")
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["status"] == "success"


def test_what_was_typed_is_kept_for_its_owner_alone(alice: Terminal, tmp_path: Path) -> None:
    here = Terminal(alice.folder, {**alice.env, "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "dumb"})
    before = os.umask(0)
    try:
        code, screen = here.answering("quit\n", "chat")
    finally:
        os.umask(before)
    kept = tmp_path / "state" / "fabu" / "chat_history"
    assert (code, kept.read_text()) == (0, "quit\n"), screen
    assert [path.stat().st_mode & 0o777 for path in (kept, kept.parent)] == [0o600, 0o700]
