"""Plans as YAML."""

from __future__ import annotations

import yaml

from bot.cli.planfile import as_yaml
from core.text import remove_invisible


def test_yaml_keeps_its_meaning_and_steers_no_terminal() -> None:
    script = "echo \x1b[2J\x9b2J\u202e\u200b\U000e0041 发布\nexit\n"
    job = {"name": "run", "type": "freestyle", "spec": {"script": script, "plain": "echo\n发布\n"}}
    workflow = {"stages": [{"name": "s\u200b", "jobs": [job]}]}
    item = {"type": "workflow", "key": "k", "name": "n", "workflow": workflow}
    answer = {"number": 1, "name": "发布", "window": {}, "approval": {"stages": []}, "items": [item]}
    written = as_yaml(answer)
    assert yaml.safe_load(written)["items"][0]["workflow"] == workflow
    assert remove_invisible(written) == written
    assert "发布" in written
