"""What a server loads before it is ready."""

from __future__ import annotations

from tests.unit.bot.cli.conftest import Terminal

SPARED = {
    "alembic", "bot.cli.plans", "cryptography", "jinja2", "lark_oapi", "markdown_it", "nh3", "psycopg",
    "readline", "rich", "slack_bolt", "yaml",
}  # fmt: skip
"""What it may never need, over 40 MB in all; each is loaded with the first thing that needs it."""
SLACK = {"BOT_TOKEN": "xoxb-x", "SIGNING_SECRET": "s", "API_URL": "http://127.0.0.1:9/"}


def test_a_server_loads_nothing_that_it_may_never_need(terminal: Terminal) -> None:
    settings = {f"FABU__SLACK__{name}": value for name, value in SLACK.items()}
    with terminal.process("run", PYTHONPROFILEIMPORTTIME="1", **settings) as process:
        assert process.stderr
        loaded = set()
        for line in process.stderr:
            if "Fabu listens at" in line:
                process.terminate()
            loaded.add(line.rpartition("|")[2].strip())
    assert process.returncode == 0
    assert "adapters.slack.server" in loaded
    assert loaded & SPARED == set()
