"""The sample of the settings is complete, true and can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from config.settings import Settings, load_settings
from core.draft import PlanDraft

CONFIG = Path(__file__).parents[2] / "config"
SAMPLE = (CONFIG / "fabu.toml").read_text(encoding="utf-8")


def sections(name: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """All sections under one, with their names in the file."""
    yield name, model
    for key, field in model.model_fields.items():
        for inner in getattr(field.annotation, "__args__", ()):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from sections(f"{name}.{key}", inner)


def all_sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in Settings.model_fields.items():
        models = [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next(each for each in models if isinstance(each, type) and issubclass(each, BaseModel))
        yield from sections(name, model)


@pytest.mark.parametrize(("name", "model"), list(all_sections()), ids=[name for name, _ in all_sections()])
def test_the_sample_names_every_setting_with_its_description(name: str, model: type[BaseModel]) -> None:
    found = re.search(
        rf"^(?:# )?\[{{1,2}}{re.escape(name)}\]{{1,2}}$(.*?)(?=^(?:# )?\[\[?[a-z]|\Z)", SAMPLE, re.M | re.S
    )
    assert found, f"config/fabu.toml has no section {name}"
    nested = {inner.rpartition(".")[2] for inner, _ in sections(name, model) if inner != name}
    for key, field in model.model_fields.items():
        if key not in nested:
            assert re.search(rf"^# {re.escape(field.description or '?')}\n(?:# )?{key} = ", found[1], re.M), key


def test_the_sample_can_be_read() -> None:
    assert load_settings(CONFIG / "fabu.toml").auth.admins == ("alice",)


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABU__SERVER__PORT", "9")
    assert load_settings(CONFIG / "fabu.toml").server.port == 9


def test_a_group_of_unknown_people_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fabu.toml").write_text('[[groups]]\nid = "sre"\nmembers = ["nobody"]\n')
    with pytest.raises(ValidationError, match="nobody"):
        load_settings(tmp_path / "fabu.toml")


def test_the_example_plan_is_one() -> None:
    content = yaml.safe_load((CONFIG / "example_plan.yaml").read_text(encoding="utf-8"))
    assert len(PlanDraft.model_validate(content).items) == 4
