"""The sample of the settings is complete and can be read, and the settings are what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from config.approval import ConditionEntry, PolicyEntry
from config.example import render_example
from config.settings import Settings, load_settings
from core.draft import PlanDraft
from core.policies import ApprovalPolicy, Condition

CONFIG = Path(__file__).parents[2] / "config"
SAMPLE = CONFIG / "fabu.toml"


def defaults_of(model: type[BaseModel]) -> Mapping[str, Any]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}


def test_the_sample_is_made_from_the_models() -> None:
    assert SAMPLE.read_text(encoding="utf-8") == render_example(), "run: python -m config.example > config/fabu.toml"


def test_the_sample_lets_the_example_plan_be_applied() -> None:
    settings = load_settings(SAMPLE)
    content = yaml.safe_load((CONFIG / "example_plan.yaml").read_text(encoding="utf-8"))
    plan = PlanDraft.model_validate(content)
    named = {plan.manager, *(item.assignee for item in plan.items if item.assignee)}
    named.update(approver for stage in plan.approval.stages for approver in stage.approvers)
    assert named <= {person.id for person in settings.people} | {f"@{group.id}" for group in settings.groups}
    assert "shop" in settings.local.databases


def test_the_sample_has_every_setting_at_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {"url": "https://zadig.example.com", "token": "t", "hook_token": "h"}  # by the sample of a gate
    for name, value in needed.items():
        monkeypatch.setenv(f"FABU__ZADIG__{name.upper()}", value)
    whole = tmp_path / "whole.toml"
    whole.write_text(re.sub(r"^#(?! )", "", SAMPLE.read_text(encoding="utf-8"), flags=re.M), encoding="utf-8")
    settings = load_settings(whole)
    lists = {"admins", "people", "groups", "databases", "gates", "endpoints", "policies"}
    samples = lists | {"expires_in", "remind_every", "name", "reason", "when", "stages", "max_window"}
    sections = [getattr(settings, name) for name in Settings.model_fields]
    entries = [
        settings.people[0],
        settings.groups[0],
        settings.zadig.gates[0],
        settings.hooks.endpoints[0],
        settings.approval.policies[0],
    ]
    for section in [*(each for each in sections if isinstance(each, BaseModel)), *entries]:
        assert section.model_fields_set == set(type(section).model_fields)
        for name, default in defaults_of(type(section)).items():
            if section is settings.zadig and name in needed:
                continue
            assert name in samples or getattr(section, name) == default, name


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABU__SERVER__PORT", "9")
    assert load_settings(SAMPLE).server.port == 9


@pytest.mark.parametrize(
    "text",
    [
        '[[groups]]\nid = "sre"\nmembers = ["nobody"]',
        '[auth]\nadmins = ["nobody"]',
        '[zadig]\ngate_manager = "nobody"',
        '[[zadig.gates]]\napprovers = ["@nobody"]',
    ],
)
def test_who_is_unknown_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "fabu.toml").write_text(text)
    with pytest.raises(ValidationError, match="nobody under"):
        load_settings(tmp_path / "fabu.toml")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("30m1h", 5400), ("2d", 172800)])
def test_durations_are_written_with_units(text: str, seconds: int, tmp_path: Path) -> None:
    (tmp_path / "fabu.toml").write_text(f'[hooks]\ncheck_timeout = "{text}"')
    assert load_settings(tmp_path / "fabu.toml").hooks.check_timeout.total_seconds() == seconds


@pytest.mark.parametrize("text", ["90", "1 hour", "", "h", "1h1h"])
def test_a_duration_without_units_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "fabu.toml").write_text(f'[hooks]\ncheck_timeout = "{text}"')
    with pytest.raises(ValidationError, match="1h30m"):
        load_settings(tmp_path / "fabu.toml")


@pytest.mark.parametrize(("entry", "made"), [(ConditionEntry, Condition), (PolicyEntry, ApprovalPolicy)])
def test_policies_have_the_same_keys_in_the_settings_and_in_the_core(entry: type[BaseModel], made: type[Any]) -> None:
    assert set(entry.model_fields) == {field.name for field in fields(made)}
