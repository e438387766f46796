"""`fabu plan` against a running server."""

from __future__ import annotations

import json

import pytest
import yaml

from bot.cli.options import terminal_locale
from tests.unit.bot.cli.conftest import Terminal
from tests.waiting import PATIENCE

NAME = "name: 发布"
STEPS = "items: [{key: notes, name: Write the notes, type: text}, {key: tag, name: Tag the notes, type: text}]"
APPROVAL = "approval: {stages: [{name: QA, rule: any, approvers: [bob]}], expires_in: 1h30m}"
WINDOW = "window: {start: 2030-01-01T00:00:00+08:00, end: 2030-01-02T00:00:00+08:00}"
WORKFLOW = """
items:
- key: deploy
  name: Deploy
  type: workflow
  workflow:
    name: deploy
    params: [{name: PASSWORD, type: string, value: hunter2, is_credential: true}]
    stages: [{name: all, jobs: [{name: go, type: freestyle, spec: {script: echo done}}]}]
"""


def test_a_plan_goes_from_its_file_to_its_end(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, approval=APPROVAL)
    assert f"#{number} 发布: waiting for approval" in alice.fabu("plan", "submit", number)
    assert "You are not an approver" in alice.fabu("plan", "approve", number, "--yes", code=1)
    assert f"#{number} 发布: executing" in bob.fabu("plan", "approve", f"#{number}", "looks", "good", "--yes")
    alice.fabu("plan", "execute", number, "Write", "done", "by hand")
    assert "successful" in alice.fabu("plan", "skip", number, "2", "not", "needed")
    log = json.loads(alice.fabu("plan", "log", number, "--json"))
    said = {entry["event"]: entry["details"] for entry in log}
    assert said["voted"]["comment"] == "looks good"
    assert said["item_done"]["remark"] == "done by hand"
    assert said["item_skipped"]["reason"] == "not needed"
    assert "鲍勃: approved in stage QA" in alice.fabu("plan", "log", number)
    alice.fabu("plan", "delete", number)
    assert "There is no plan" in alice.fabu("plan", "show", number, code=1)


def test_who_approves_at_a_terminal_sees_what_it_is_and_is_asked(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, approval=APPROVAL)
    alice.fabu("plan", "submit", number)
    assert "nobody can be asked here" in bob.fabu("plan", "approve", number, code=1)
    code, screen = bob.answering("n\n", "plan", "approve", number)
    assert code == 1
    for shown in ("Write the notes", "Approve revision 1? [y/N]", "Nothing is approved."):
        assert shown in screen
    assert "waiting for approval" in alice.fabu("plan", "show", number)
    assert bob.answering("y\n", "plan", "approve", number)[0] == 0
    assert "executing" in alice.fabu("plan", "show", number)


def test_apply_submits_when_asked(alice: Terminal) -> None:
    file = alice.folder / "submitted.json"
    file.write_text(json.dumps({"name": "At once", "items": [{"key": "a", "name": "A", "type": "text"}]}))
    planning, executing = alice.fabu("plan", "apply", str(file), "--submit").splitlines()
    assert "planning" in planning
    assert "executing" in executing


def test_apply_changes_only_what_differs(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, window=WINDOW)
    file = alice.folder / "changed.yaml"
    file.write_text(
        f"{NAME}\n{STEPS.replace('Tag the', 'Tag all the')}\n{WINDOW}\nnumber: {number}\n", encoding="utf-8"
    )
    told = 'items[tag].name: "Tag the notes" → "Tag all the notes"'
    dry = alice.fabu("plan", "apply", str(file), "--dry-run")
    assert dry.strip() == told
    assert told in alice.fabu("plan", "apply", str(file))
    assert f"Nothing differs from plan #{number}." in alice.fabu("plan", "apply", str(file))
    changed = alice.fabu("plan", "diff", number)
    assert "Revision 2, compared with 1:" in changed
    assert told in changed
    log = json.loads(alice.fabu("plan", "log", number, "--json"))
    assert [entry["details"]["changed"] for entry in log if entry["event"] == "edited"] == [["items"]]


def test_a_shown_plan_file_is_the_plan(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=WORKFLOW, approval=APPROVAL, window=WINDOW)
    text = alice.fabu("plan", "show", number, "--yaml")
    assert yaml.safe_load(text)["approval"]["expires_in"] == "1h30m"
    assert "hunter2" not in text
    assert f"Nothing differs from plan #{number}." in alice.fabu("plan", "apply", "-", text=text)


def test_a_credential_that_changed_alone_is_compared_by_the_server(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=WORKFLOW)
    file = alice.folder / "credential.yaml"
    file.write_text(f"{NAME}\n{WORKFLOW}", encoding="utf-8")
    assert "Credentials are not shown" in alice.fabu("plan", "apply", str(file), "--plan", number)
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["revision"] == 1
    file.write_text(f"{NAME}\n{WORKFLOW.replace('hunter2', 'hunter3')}", encoding="utf-8")
    alice.fabu("plan", "apply", str(file), "--plan", number)
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["revision"] == 2
    (edited,) = [each for each in json.loads(alice.fabu("plan", "log", number, "--json")) if each["event"] == "edited"]
    assert [each["before"] == each["after"] == "********" for each in edited["details"]["differences"]] == [True]


def test_a_diff_shows_each_line_that_differs_however_long_the_text(alice: Terminal) -> None:
    lines = [f"echo step {number} of the deployment" for number in range(1, 21)]
    script = "\n".join(lines)
    spec = {"stages": [{"name": "s", "jobs": [{"name": "j", "type": "freestyle", "spec": {"script": script}}]}]}
    document = {"name": "Release", "items": [{"key": "d", "name": "D", "type": "workflow", "workflow": spec}]}
    number = alice.plan(**{name: f"{name}: {json.dumps(value)}" for name, value in document.items()})
    lines[9] = "rm -rf /srv/prod\u200b"
    file = alice.folder / "changed.json"
    file.write_text(json.dumps(document).replace(json.dumps(script), json.dumps("\n".join(lines))))
    applied = alice.fabu("plan", "apply", str(file), "--plan", number)
    for shown in (applied, alice.fabu("plan", "diff", number)):
        assert "    -echo step 10 of the deployment\n    +rm -rf /srv/prod⟨U+200B⟩\n" in shown
        assert "step 9" in shown
        assert "step 1 of" not in shown
    (edited,) = [each for each in json.loads(alice.fabu("plan", "log", number, "--json")) if each["event"] == "edited"]
    (difference,) = edited["details"]["differences"]
    assert difference["before"].startswith("…echo step 10 ")
    assert difference["after"].startswith("…rm -rf /srv/prod")


def test_merge_keys_fill_in_what_a_mapping_does_not_have_itself(alice: Terminal) -> None:
    items = """
items:
- &by_hand {key: a, name: A, type: text, assignee: bob, content: "by hand"}
- &at_night
  <<: *by_hand
  key: b
  content: at night
- <<: [*at_night, *by_hand]
  key: c
  name: C
"""
    number = alice.plan(name=NAME, items=items)
    found = json.loads(alice.fabu("plan", "show", number, "--json"))["items"]
    assert [(item["key"], item["name"], item["assignee"], item["content"]) for item in found] == [
        ("a", "A", "bob", "by hand"),
        ("b", "A", "bob", "at night"),
        ("c", "C", "bob", "at night"),
    ]


def test_a_plan_has_no_start_that_its_file_leaves_out(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, window=WINDOW)
    file = alice.folder / "end.yaml"
    file.write_text(f"{NAME}\n{STEPS}\nwindow: {{end: 2030-01-02T00:00:00+08:00}}\nnumber: {number}")
    assert "window.start" in alice.fabu("plan", "apply", str(file))
    assert f"Nothing differs from plan #{number}." in alice.fabu("plan", "apply", str(file))
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["window"]["start"] is None


def test_a_plan_file_has_unix_seconds_as_number_or_text(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, at="schedule_at: 1893456000", window='window: {end: "1893456000"}')
    plan = json.loads(alice.fabu("plan", "show", number, "--json"))
    assert plan["schedule_at"] == plan["window"]["end"] == "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (
            "name: a\nitems:\n- {key: a, name: A, type: txt}\nwindow: {start: 2026-01-01}",
            2,
            "window.start: write a time",
        ),
        ("name: a\nitems:\n- {key: a, name: A, type: txt}", 2, "items[0].type: write one of: text, workflow"),
        ("name: a\nmanger: alice", 2, "manger: there is no such field"),
        ("name: a\nmanager: eve\napproval: {stages: [{name: QA, approvers: [mallory]}]}", 1, "approvers[0]: nobody"),
        ("name: a\nmanager: eve", 1, "manager: nobody is called eve"),
        ("name: a\nitems:\n- {<<: {key: a}, key: a, key: b}", 2, "line 3, column 3: the key key comes twice"),
        ("name: a\nname: b", 2, "line 1, column 1: the key name comes twice"),
        ("name: [a", 2, "is not YAML, line 1"),
        ("- a", 2, "holds no plan"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(alice: Terminal, text: str, code: int, told: str) -> None:
    assert told in alice.fabu("plan", "apply", "-", text=text, code=code)


def test_a_file_that_is_not_there_is_told(alice: Terminal) -> None:
    assert "none.yaml cannot be read: No such file" in alice.fabu("plan", "apply", "none.yaml", code=2)


def test_list_is_filtered_and_goes_over_several_pages(alice: Terminal) -> None:
    numbers = [alice.plan(name=f"name: Paged {index}") for index in range(3)]
    found = json.loads(alice.fabu("plan", "list", "planning", "--search", "Paged", "--limit", "2", "--json"))
    assert [str(plan["number"]) for plan in found] == numbers[:0:-1]
    table = alice.fabu("plan", "list", "--search", "Paged 1", "--manager", "alice")
    assert "Paged 1" in table
    assert "Paged 2" not in table
    assert "There are no such plans." in alice.fabu("plan", "list", "--manager", "bob")
    assert "status" in alice.fabu("plan", "list", "nonsense", code=1)
    assert "Paged 2" in alice.fabu("plan", "list", "mine")


def test_an_item_has_to_be_named_so_that_one_is_meant(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS)
    told = alice.fabu("plan", "execute", number, "the notes", code=2)
    assert "fits several items; name one by its position or key:" in told
    assert "2. Tag the notes (tag)" in told
    assert "fits no item" in alice.fabu("plan", "retry", number, "deploy", code=2)


def test_copy_replan_and_cancel(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, approval=APPROVAL)
    assert "Again: planning" in alice.fabu("plan", "copy", number, "--name", "Again")
    assert "planning finished" in alice.fabu("plan", "finish", number)
    alice.fabu("plan", "submit", number)
    assert "rejected" not in alice.fabu("plan", "replan", number, "one more thing")
    assert "cancelled" in alice.fabu("plan", "cancel", number, "no", "longer", "needed")
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["reason"] == "no longer needed"


def test_reject_wants_a_reason_and_delegate_hands_over(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS, approval=APPROVAL)
    alice.fabu("plan", "submit", number)
    assert "Missing argument 'REASON'" in bob.fabu("plan", "reject", number, code=2)
    bob.fabu("plan", "delegate", number, "@erin")
    assert json.loads(alice.fabu("plan", "show", number, "--json"))["approval"]["delegates"] == {"bob": "erin"}
    assert "rejected" in bob.fabu("plan", "reject", number, "not", "tested")


def test_watch_follows_a_plan_to_its_end(alice: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS)
    alice.fabu("plan", "submit", number)
    watching = alice.process("plan", "show", number, "--watch")
    alice.fabu("plan", "skip", number, "1", "not needed")
    alice.fabu("plan", "skip", number, "2", "not needed")
    shown, _ = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 0
    assert "[successful]" in shown


def test_watch_fails_for_a_plan_that_is_given_up(alice: Terminal) -> None:
    number = alice.plan(name=NAME)
    alice.fabu("plan", "cancel", number)
    assert "[cancelled]" in alice.fabu("plan", "show", number, "--watch", code=1)


@pytest.mark.parametrize(
    ("variables", "language", "timezone"),
    [
        ({"LANG": "zh_CN.UTF-8", "TZ": "Asia/Shanghai"}, "zh_CN", "Asia/Shanghai"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8", "TZ": ":Europe/Rome"}, "en", "Europe/Rome"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW", "TZ": "CST-8"}, "zh_CN", "UTC"),
        ({}, "en", "UTC"),
    ],
)
def test_the_terminal_says_how_it_wants_to_be_read(
    variables: dict[str, str], language: str, timezone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "TZ"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (terminal_locale().language, terminal_locale().timezone) == (language, timezone)


def test_who_cannot_get_in_is_told_how(terminal: Terminal, server: Terminal) -> None:
    assert "Who are you? Give a token" in terminal.fabu("plan", "list", code=2)
    told = terminal.fabu("plan", "list", "--url", server.env["FABU_URL"], "--token", "wrong", code=1)
    assert "fabu token create --as ID" in told
    assert "There is no Fabu at http://127.0.0.1:1 (Connection refused)" in terminal.fabu(
        "plan", "list", "--url", "http://127.0.0.1:1", "--token", "x", code=1
    )
    assert "nonsense is no URL" in terminal.fabu("plan", "list", "--url", "nonsense", "--token", "x", code=2)
    assert "Nobody active is called dora" in terminal.fabu("plan", "list", "--as", "dora", code=2)


def test_on_the_servers_machine_a_name_is_enough(server: Terminal) -> None:
    assert "Commands" in server.fabu("chat", "--as", "bob", "--command", "help")
    ended = server.fabu("token", "list", "--as", "bob", "--all")
    assert "revoked" in ended
    assert "command line --as" not in server.fabu("token", "list", "--as", "bob")
