"""Tests are the same on every machine: a developer's environment and settings change none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import clean_environment

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
HOSTILE = {
    "FABU__SLACK__BOT_TOKEN": "xoxb-of-the-developer",
    "FABU__SERVER__PORT": "not a port",
    "FABU__SERVR__LANGUAGE": "xx",
    "FABU_TOKEN": "fabu_of_the_developer",
    "FABU_URL": NOWHERE,
    "SLACK_BOT_TOKEN": "xoxb-of-the-developer",
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "of-the-developer",
    "PGHOST": "192.0.2.1",
    "PGOPTIONS": "-c timezone=Asia/Kathmandu",
    "LANG": "zh_CN.GB18030",
    "LC_ALL": "zh_CN.UTF-8",
    "TZ": "Asia/Kathmandu",
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "COLUMNS": "31",
    "PYTHONWARNINGS": "error",
    "XDG_STATE_HOME": "/dev/null/state",
    "SSL_CERT_FILE": "/dev/null/certificates",
} | {name: NOWHERE for scheme in ("http", "https", "all") for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")}
SETTINGS = """
[slack]
bot_token = "xoxb-of-the-developer"
app_token = "xapp-of-the-developer"
[server]
port = "not a port"
"""
SUITES = (
    "tests/unit/test_settings.py",
    "tests/unit/test_docs.py",
    "tests/unit/bot/cli/test_configuration.py",
    "tests/unit/bot/cli/test_doctor.py",
    "tests/unit/bot/cli/test_help.py",
    "tests/unit/bot/cli/test_plans.py",
    "tests/unit/adapters/hooks",
    "tests/unit/adapters/slack/test_connection.py",
    "tests/unit/adapters/store/test_doctor.py",
    "tests/scenario/test_doctor.py::test_what_is_well_is_told_and_nobody_is_disturbed",
    "tests/scenario/test_feishu_start.py::test_without_feishu_its_sdk_is_not_loaded",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The repository as a developer has it, with settings of their own in it."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.suffix not in {".egg-info", ".toml"}:
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, folder / path.name)
    shutil.copy2(ROOT / "pyproject.toml", folder)
    (folder / "fabu.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose passwords and settings are for other servers."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".netrc").write_text("default login developer password of-the-developer\n", encoding="utf-8")
    return folder


@pytest.mark.timeout(300)  # it runs some four hundred tests
def test_a_developers_own_settings_change_no_test(tree: Path, home: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *SUITES]
    environment = dict(os.environ) | HOSTILE | {"HOME": str(home)}
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr
    assert "of-the-developer" not in done.stdout + done.stderr


def test_the_environment_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABU__SERVER__PORT", "1")
    monkeypatch.setenv("FABU_TEST_STRICT", "0")
    before = dict(os.environ)
    with clean_environment():
        assert "FABU__SERVER__PORT" not in os.environ
        assert os.environ["FABU_TEST_STRICT"] == "0"
        assert list(Path.home().iterdir()) == []
    assert dict(os.environ) == before
