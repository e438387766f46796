"""`fabu policy` and `fabu plan check` against a running server, which has one policy."""

from __future__ import annotations

import json

from tests.unit.bot.cli.conftest import Terminal

NAME = "name: 发布"
STEPS = """
items:
- key: deploy
  name: Deploy
  type: workflow
  labels: [risky]
  workflow: {name: d, stages: [{name: all, jobs: [{name: go, type: freestyle, spec: {script: "true"}}]}]}
"""
WINDOW = "window: {start: 2030-01-01T00:00:00Z, end: 2030-01-01T01:00:00Z}"
FITS = "risky · because: is risky · fits: deploy\n  + Second look: erin (all, native)\n"


def test_policies_are_listed_with_what_they_demand(bob: Terminal) -> None:
    listed = bob.fabu("policy", "list")
    for part in ("risky", "is risky", "labels: risky", "Second look: erin", "Only these execute: bob", "4h", "none"):
        assert part in listed
    answer = json.loads(bob.fabu("policy", "list", "--json"))
    assert answer["policies"][0]["when"]["labels"] == ["risky"]


def test_a_plan_file_is_checked_before_there_is_a_plan(bob: Terminal) -> None:
    file = bob.folder / "checked.yaml"
    file.write_text(f"{NAME}\n{STEPS}\n", encoding="utf-8")
    before = bob.fabu("plan", "list")
    found = bob.fabu("plan", "check", str(file), code=1)
    assert found.startswith("To be mended before it can be submitted:\n  • window: a policy limits the window to 4h")
    assert found.endswith(FITS)
    assert bob.fabu("policy", "test", str(file)) == FITS
    assert bob.fabu("plan", "list") == before
    text = f"{NAME}\n{STEPS}\n{WINDOW}\n"
    assert bob.fabu("plan", "check", "-", text=text) == f"It can be submitted as it is.\n{FITS}"


def test_a_plan_is_checked_as_it_is_and_as_a_file_would_change_it(alice: Terminal, bob: Terminal) -> None:
    number = alice.plan(name=NAME, items=STEPS.replace("risky", "harmless"))
    assert bob.fabu("policy", "test", f"#{number}") == "No policy fits.\n"
    text = f"number: {number}\n{NAME}\n{STEPS}\n"
    assert bob.fabu("policy", "test", "-", text=text) == FITS
    assert json.loads(bob.fabu("plan", "check", number, "--json")) == {"problems": [], "policies": [], "forecast": []}
    assert "There is no plan 9999" in bob.fabu("plan", "check", "9999", code=1)
