"""What the command line prints of a plan's instance code."""

from __future__ import annotations

import json

import pytest

from tests.unit.bot.cli.conftest import Terminal

READ = (
    "plan list --json", "plan list", "plan show {n}", "plan show {n} --json", "plan show {n} --yaml", "plan log {n}",
    "plan log {n} --json", "plan diff {n} 2", "plan diff {n} 2 --json", "plan check {n} --json",
    "deliveries list --json", "audit export", "audit export --format csv", "audit verify",
)  # fmt: skip


@pytest.fixture(name="plan")
def _plan(alice: Terminal) -> tuple[str, set[str]]:
    """A plan of two revisions, and the codes that it has had."""

    def code() -> str:
        return str(json.loads(alice.fabu("plan", "show", number, "--json"))["instance_code"])

    number = alice.plan(name="name: Codes", items="items: [{key: notes, name: Notes, type: text}]")
    first, file = code(), alice.folder / "codes.yaml"
    file.write_text(f"number: {number}\nname: Codes, mended", encoding="utf-8")
    alice.fabu("plan", "apply", str(file))
    return number, {first, code()}


def test_it_is_printed_in_the_json_of_administrators_alone(
    alice: Terminal, bob: Terminal, plan: tuple[str, set[str]]
) -> None:
    number, codes = plan
    assert len(codes) == 2
    assert "" not in codes

    def shown_to(who: Terminal) -> list[str]:
        asked = [words.format(n=number) for words in READ]
        return [words for words in asked if any(code in who.fabu(*words.split()) for code in codes)]

    assert shown_to(bob) == []
    assert shown_to(alice) == ["plan list --json", f"plan show {number} --json"]
