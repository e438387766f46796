"""Tokens, people, the operation log, deliveries: what operators do on the server's machine."""

from __future__ import annotations

import csv
import json
import re
import sqlite3

import pytest

from tests.unit.bot.cli.conftest import BY_BOB, Terminal

STEP = "items: [{key: a, name: Step A, type: text}]"
SCRIPT = """
items:
- {key: go, name: Go, type: workflow, workflow: {name: go, stages: [
    {name: s, jobs: [{name: j, type: freestyle, spec: {script: exit 3}}]}]}}
"""
SWAPPED = (
    "UPDATE log SET seq = -seq WHERE plan_id = ? AND seq IN (2, 3);"
    "UPDATE log SET seq = 5 + seq WHERE plan_id = ? AND seq < 0"
)


def test_a_token_is_printed_once_and_works_until_it_is_revoked(server: Terminal) -> None:
    secret, told = server.fabu("token", "create", "--as", "bob", "--name", "ci", "--expires", "3d").split("\n", 1)
    token = re.search(r"Token (\w+) acts as bob until", told)
    assert token
    assert "There are no such plans." in server.fabu("plan", "list", "--manager", "bob", FABU_TOKEN=secret)
    listed = server.fabu("token", "list", "--as", "bob")
    assert token[1] in listed
    assert secret not in listed
    server.fabu("token", "revoke", token[1])
    assert token[1] not in server.fabu("token", "list")
    assert "There is no token nonsense" in server.fabu("token", "revoke", "nonsense", code=1)


def test_a_token_can_be_made_before_the_first_start(terminal: Terminal) -> None:
    assert terminal.fabu("token", "create", "--as", "alice").startswith("fabu_")
    assert "Nobody active is called eve (there are: alice, bob, erin)" in terminal.fabu(
        "token", "create", "--as", "eve", code=2
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv", "id,name,email,active\ncarol,卡罗尔,carol@example.com,\ndave,,,false\n"),
        (
            "p.json",
            '[{"id": "carol", "name": "卡罗尔", "email": "carol@example.com"}, {"id": "dave", "active": false}]',
        ),
        ("p.yaml", "people:\n- {id: carol, name: 卡罗尔, email: carol@example.com}\n- {id: dave, active: false}\n"),
        (
            "p.toml",
            '[[people]]\nid="carol"\nname="卡罗尔"\nemail="carol@example.com"\n[[people]]\nid="dave"\nactive=false',
        ),
    ],
)
def test_people_are_brought_in(terminal: Terminal, name: str, text: str) -> None:
    (terminal.folder / name).write_text(text, encoding="utf-8")
    assert "Would be brought in: people 2, groups 0." in terminal.fabu("people", "import", name, "--dry-run")
    assert "There is nobody yet" in terminal.fabu("people", "list")
    assert "new      carol  卡罗尔" in terminal.fabu("people", "import", name)
    assert "kept     carol" in terminal.fabu("people", "import", name)
    listed = terminal.fabu("people", "list")
    assert "carol@example.com" in listed
    assert "has left" in listed
    assert terminal.fabu("token", "create", "--as", "carol").startswith("fabu_")


def test_a_person_with_a_blank_name_is_called_by_the_id(terminal: Terminal) -> None:
    (terminal.folder / "p.json").write_text(json.dumps({"people": [{"id": "carol", "name": " \u200b"}]}))
    terminal.fabu("people", "import", "p.json")
    assert re.search(r"carol +carol", terminal.fabu("people", "list"))


def test_people_are_listed_with_their_account_in_each_chat(terminal: Terminal) -> None:
    (terminal.folder / "p.yaml").write_text("[{id: zoe, slack: U7, feishu: ou_7, dingtalk: z7}]")
    terminal.fabu("people", "import", "p.yaml")
    listed = terminal.fabu("people", "list")
    assert re.search(r"e-mail +Slack +Feishu +DingTalk", listed)
    assert re.search(r"zoe +zoe +U7 +ou_7 +z7", listed)


def test_groups_are_brought_in_with_their_members(terminal: Terminal) -> None:
    (terminal.folder / "g.yaml").write_text("groups: [{id: qa, members: [alice, zoe]}]\npeople: [{id: zoe}]")
    terminal.fabu("people", "import", "g.yaml")
    assert re.search(r"zoe .* @qa", terminal.fabu("people", "list"))
    (terminal.folder / "g.yaml").write_text("groups: [{id: qa, members: [eve]}]")
    assert "nobody is called eve" in terminal.fabu("people", "import", "g.yaml", code=2)


def test_people_of_an_import_are_removed_by_an_import(terminal: Terminal) -> None:
    file = terminal.folder / "p.yaml"
    file.write_text("people: [{id: zoe}, {id: yan}]\ngroups: [{id: qa, members: [yan, alice]}]")
    terminal.fabu("people", "import", "p.yaml")
    terminal.fabu("token", "create", "--as", "zoe")
    assert "zoe" in terminal.fabu("token", "list")
    file.write_text("[{id: yan}]")
    terminal.fabu("people", "import", "p.yaml")
    assert "has left" not in terminal.fabu("people", "list"), "an import only adds"
    assert "removed  zoe" in terminal.fabu("people", "import", "p.yaml", "--remove", "--dry-run")
    assert "has left" not in terminal.fabu("people", "list")
    assert "removed  zoe" in terminal.fabu("people", "import", "p.yaml", "--remove")
    listed = terminal.fabu("people", "list")
    assert re.search(r"zoe .* has left +import", listed)
    assert re.search(r"yan .* import", listed)
    assert "@qa" not in listed
    assert "zoe" not in terminal.fabu("token", "list")


def test_an_import_does_not_replace_who_is_in_the_settings(terminal: Terminal) -> None:
    (terminal.folder / "p.yaml").write_text("[{id: alice, name: Somebody}]")
    assert "p.yaml: the settings have alice; change them there." in terminal.fabu("people", "import", "p.yaml", code=2)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("p.csv", "id,name\nx,X\nbad id,Y\n", "entry 2 id: String should match"),
        ("p.csv", "id,nam\nx,X\n", "entry 1 nam: there is no such field"),
        ("p.csv", "id\nx\nx\n", "two people called x"),
        ("p.json", "{", "cannot be understood"),
        ("p.yaml", "persons: []", "there is no persons; write people and groups"),
        ("p.txt", "", "must be called *.csv"),
    ],
)
def test_mistakes_in_a_file_of_people_are_told(terminal: Terminal, name: str, text: str, told: str) -> None:
    (terminal.folder / name).write_text(text)
    assert told in terminal.fabu("people", "import", name, code=2)


def test_the_log_is_exported_as_lines_and_as_a_table(alice: Terminal) -> None:
    number = alice.plan(name="name: Exported", items=STEP)
    lines = [json.loads(line) for line in alice.fabu("audit", "export", "--plan", number).splitlines()]
    assert [(entry["seq"], entry["event"], entry["actor"]) for entry in lines] == [(1, "created", "alice")]
    alice.fabu("audit", "export", "--format", "csv", "-o", "log.csv")
    with (alice.folder / "log.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["plan_id"] == lines[0]["plan_id"]]
    assert [(row["hash"], json.loads(row["details"])) for row in rows] == [(lines[0]["hash"], lines[0]["details"])]
    assert "cannot be written" in alice.fabu("audit", "export", "-o", "none/log", code=1)


@pytest.fixture
def tampered(alice: Terminal) -> tuple[Terminal, str, sqlite3.Connection]:
    """A copy of the server's database with the plan #N, its log of three entries, and a way to change it."""
    number = alice.plan(name="name: Watched", items=STEP)
    alice.fabu("plan", "finish", number)
    alice.fabu("plan", "submit", number)
    copy = Terminal(alice.folder, {"FABU__DATABASE__URL": f"sqlite:///copy-{number}.db"})
    with sqlite3.connect(alice.folder / "fabu.db") as original:
        connection = sqlite3.connect(alice.folder / f"copy-{number}.db")
        original.backup(connection)
    return copy, number, connection


def test_an_untouched_log_fits(tampered: tuple[Terminal, str, sqlite3.Connection]) -> None:
    copy, _, connection = tampered
    connection.close()
    assert re.search(r"The log fits\. Entries: \d+, plans: \d+\.", copy.fabu("audit", "verify"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "UPDATE log SET actor = 'bob' WHERE plan_id = ? AND seq = 2",
            r"entry 2 \(finished, by bob, .*\) does not fit",
        ),
        ("DELETE FROM log WHERE plan_id = ? AND seq = 1", r"entry 2 \(finished, by alice, .*\) does not fit"),
        ("DELETE FROM log WHERE plan_id = ? AND seq > 1", r"entries after 1 are missing"),
        ("DELETE FROM log WHERE plan_id = ?", r"entries after 0 are missing"),
        (SWAPPED, r"entry 3 \(finished, by alice, .*\) does not fit"),
    ],
)
def test_a_log_that_was_changed_is_found(
    tampered: tuple[Terminal, str, sqlite3.Connection], change: str, told: str
) -> None:
    copy, number, connection = tampered
    with connection:
        for statement in change.split(";"):
            connection.execute(statement.replace("?", "(SELECT id FROM plans WHERE number = ?)"), (number,))
    connection.close()
    shown = copy.fabu("audit", "verify", code=1)
    assert re.search(rf"Plan #{number} \(\w+\): {told}", shown)
    assert len(re.findall(r"^Plan ", shown, flags=re.MULTILINE)) == 1


def test_a_log_whose_end_was_cut_off_does_not_have_the_head_that_was_told_elsewhere(
    tampered: tuple[Terminal, str, sqlite3.Connection],
) -> None:
    copy, number, connection = tampered
    heads = dict(
        connection.execute("SELECT seq, log.hash FROM plans JOIN log ON plans.id = plan_id WHERE number = ?", (number,))
    )
    assert "The log has this head" in copy.fabu("audit", "verify", "--head", heads[3][:8] + "…")
    assert "no entry has the hash" in copy.fabu("audit", "verify", "--head", "0" * 64, code=1)
    assert "at least 8" in copy.fabu("audit", "verify", "--head", "61", code=2)
    with connection:
        connection.execute("DELETE FROM log WHERE hash = ?", (heads[3],))
        connection.execute("UPDATE plans SET log_seq = 2, log_head = ? WHERE number = ?", (heads[2], number))
    connection.close()
    assert "missing" in copy.fabu("audit", "verify", code=1)


CONTENT = [
    ("UPDATE plans SET window_end = 1 WHERE number = ?", "the plan, or the list of its items, differs"),
    ("UPDATE plans SET content_sha256 = NULL WHERE number = ?", "the plan, or the list of its items, differs"),
    ("UPDATE contents SET description = 'x' WHERE plan_id = %s", "the plan, or the list of its items, differs"),
    ("UPDATE items SET name = 'x' WHERE plan_id = %s", r"item 1 \(\w+\) differs"),
    ("UPDATE items SET sha256 = 'x' WHERE plan_id = %s", r"item 1 \(\w+\) differs"),
    (
        "UPDATE item_specs SET spec = '{\"content\":1}' WHERE item_id IN (SELECT id FROM items WHERE plan_id = %s)",
        "differs",
    ),
    ("UPDATE versions SET content = '{}' WHERE plan_id = %s", "its rows cannot be read"),
    ("UPDATE versions SET by = 'x' WHERE plan_id = %s", "the stored version of revision 1 differs"),
    ("DELETE FROM versions WHERE plan_id = %s", "there are 0 stored versions, but the log has 1"),
    ("INSERT INTO stages VALUES (%s, 0, 'x', '[]', 'any', 'native', '', '', '', 0)", "the"),
]


@pytest.mark.parametrize(("change", "told"), CONTENT)
def test_a_plan_that_is_stored_differently_from_its_log_is_found(
    tampered: tuple[Terminal, str, sqlite3.Connection], change: str, told: str
) -> None:
    copy, number, connection = tampered
    statement = change.replace("%s", "(SELECT id FROM plans WHERE number = ?)")
    with connection:
        connection.execute(statement, (number,))
    connection.close()
    assert re.search(rf"Plan #{number} \(\w+\): .*{told}", copy.fabu("audit", "verify", code=1))


LINKS = [
    ("DELETE FROM log WHERE id = (SELECT max(id) FROM log)", r"entry \d+ is missing: its end was cut off"),
    ("DELETE FROM log WHERE plan_id = %s;DELETE FROM plans WHERE number = ?", "missing"),
    ("UPDATE log SET link = 'x' WHERE plan_id = %s AND seq = 2", "does not fit"),
    ("UPDATE log SET link = NULL WHERE plan_id = %s AND seq = 2", "has lost its link"),
    ("UPDATE log SET link_seq = NULL, link = NULL WHERE plan_id = %s AND seq = 2", "is missing"),
    ("UPDATE log SET id = -1 WHERE plan_id = %s AND seq = 2", "missing"),
    ("UPDATE counters SET value = 1 WHERE name = 'log'", "the database counts 1 entries"),
]


@pytest.mark.parametrize(("change", "told"), LINKS)
def test_a_break_of_the_chain_over_all_plans_is_found(
    tampered: tuple[Terminal, str, sqlite3.Connection], change: str, told: str
) -> None:
    copy, number, connection = tampered
    with connection:
        for part in change.split(";"):
            statement = part.replace("%s", "(SELECT id FROM plans WHERE number = ?)")
            connection.execute(statement, (number,) if "?" in statement else ())
    connection.close()
    assert re.search(rf"The chain over all plans: .*{told}", copy.fabu("audit", "verify", code=1))


def test_the_end_of_the_log_of_all_plans_is_found_by_its_head(
    tampered: tuple[Terminal, str, sqlite3.Connection],
) -> None:
    copy, number, connection = tampered
    head = copy.fabu("audit", "head").strip()
    assert "The log has this head" in copy.fabu("audit", "verify", "--head", head)
    with connection:
        connection.execute(
            "DELETE FROM log WHERE seq = 3 AND plan_id = (SELECT id FROM plans WHERE number = ?)", (number,)
        )
        connection.execute(
            "UPDATE plans SET log_seq = 2, log_head = (SELECT hash FROM log WHERE plan_id = plans.id AND seq = 2) "
            "WHERE number = ?",
            (number,),
        )
        connection.execute("UPDATE counters SET value = (SELECT max(link_seq) FROM log) WHERE name = 'log'")
    connection.close()
    assert "no entry has the hash" in copy.fabu("audit", "verify", "--head", head, code=1)


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_an_export_is_verified_alone(tampered: tuple[Terminal, str, sqlite3.Connection], file_format: str) -> None:
    copy, number, connection = tampered
    connection.close()
    name = f"dump-{number}-{file_format}"
    copy.fabu("audit", "export", "--format", file_format, "-o", name)
    assert "The log fits." in copy.fabu("audit", "verify", "--file", name)
    path = copy.folder / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:-2], lines[-1]]), encoding="utf-8")
    assert "is missing" in copy.fabu("audit", "verify", "--file", name, code=1)
    path.write_text("nothing", encoding="utf-8")
    copy.fabu("audit", "verify", "--file", "none", code=2)


def test_a_log_written_with_another_key_does_not_fit(alice: Terminal) -> None:
    alice.plan(name="name: Keyed", items=STEP)
    told = alice.fabu("audit", "verify", code=1, FABU__SERVER__SECRET_KEY="another key of more than 32 characters")
    assert "server.secret_key is not the one" in told


def test_deliveries_are_listed_and_begin_again(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name="name: Delivered", items=SCRIPT, approval=BY_BOB)
    alice.fabu("plan", "submit", number)
    bob.fabu("plan", "approve", number, "--yes")
    alice.fabu("plan", "execute", number, "go")
    watched = ("deliveries", "list", "--plan", number, "--json")
    while [found["state"] for found in json.loads(alice.fabu(*watched))] != ["done"]:
        pass
    [found] = json.loads(alice.fabu(*watched))
    assert found["id"] in alice.fabu("deliveries", "list", "--plan", number)
    shown = alice.fabu("deliveries", "show", found["id"])
    assert "to runner:local: done" in shown
    assert " ms" in shown
    assert len(json.loads(alice.fabu("deliveries", "show", found["id"], "--json"))["tries"]) == 1
    assert "There is no delivery" in alice.fabu("deliveries", "show", "0" * 32, code=1)
    assert "There are no such deliveries." in alice.fabu("deliveries", "list", "--plan", number, "--state", "dead")
    assert "Only administrators" in bob.fabu("deliveries", "replay", found["id"], code=1)
    assert "Deliveries that begin again: 1." in alice.fabu("deliveries", "replay", found["id"])
    assert "Alice: delivers again: runner:local" in alice.fabu("plan", "log", number)
    other = alice.plan(name="name: Delivered too", items=SCRIPT, approval=BY_BOB)
    alice.fabu("plan", "submit", other)
    bob.fabu("plan", "approve", other, "--yes")
    alice.fabu("plan", "execute", other, "go")
    assert "There are more; --limit 2 shows as many." in alice.fabu("deliveries", "list", "--limit", "1")
    assert len(json.loads(alice.fabu("deliveries", "list", "--limit", "1", "--json"))) == 1
    assert "There are more" not in alice.fabu("deliveries", "list", "--plan", number)
    assert "None of them has ended" in alice.fabu("deliveries", "replay", "0" * 32, code=1)
    assert "Name the deliveries, or the time" in alice.fabu("deliveries", "replay", code=2)
    assert "None of them" in alice.fabu("deliveries", "replay", "--since", "2030-01-01T00:00:00+08:00", code=1)
