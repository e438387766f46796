"""The check-up: what is well, what is not, and the cure."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from adapters.store.migrate import upgrade
from bot.doctor import (
    check_callbacks,
    check_clock,
    check_database,
    check_hooks,
    check_local,
    check_secret,
    check_server,
    check_settings,
    check_zadig,
    examine,
)
from config.settings import Settings
from core.ports.checkup import Finding
from tests.services import fresh_database
from tests.simulators.slack import SlackSimulator
from tests.simulators.zadig import Zadig
from tests.unit.bot.cli.conftest import Terminal

POSTGRES = os.environ.get("FABU_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
PEOPLE: Any = [{"id": "alice"}]


def wrong(findings: list[Finding]) -> list[str]:
    """What is not well; each of these has a cure."""
    assert findings
    assert all(finding.cure for finding in findings if not finding.ok)
    return [finding.text for finding in findings if not finding.ok]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def stranger() -> AsyncIterator[str]:
    """A web server that is no Fabu, and whose clock stands still."""

    async def answer(request: web.Request) -> web.Response:
        status = 200 if request.path in ("/healthz", "/hook") else 404
        return web.Response(status=status, headers={"Date": "Tue, 03 Mar 2020 09:00:00 GMT"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


def test_doctor_of_a_running_server_is_content(server: Terminal) -> None:
    url = server.env["FABU_URL"]
    told = server.fabu("doctor", FABU__SERVER__PUBLIC_URL=url)
    assert "Everything is well." in told
    assert f"{url} is the server of these settings" in told
    assert "its tables fit this version" in told


def test_doctor_fails_with_the_cure_for_what_is_wrong(terminal: Terminal) -> None:
    told = terminal.fabu("doctor", code=1, FABU__SERVER__PUBLIC_URL="http://127.0.0.1:1")
    assert "✗ mend  nothing answers at http://127.0.0.1:1 (Connection refused)" in told
    assert "→ start `fabu run`, or mend the proxy" in told
    assert "1 to mend." in told


async def test_only_areas_in_use_are_reported() -> None:
    assert set(await examine(Settings(people=PEOPLE))) == {
        "settings",
        "secret key",
        "database",
        "server",
        "local runner",
    }


async def test_settings_that_do_not_fit_together() -> None:
    slack: Any = {"bot_token": "xoxb-1"}
    assert wrong(await check_settings(Settings(people=PEOPLE, slack=slack))) == [
        "nobody is an administrator",
        "links in cards lead to http://127.0.0.1:8080, which only this machine can open",
    ]


async def test_secret_key(folder: Path) -> None:
    assert wrong(await check_secret(Settings())) == []
    key = folder / "fabu.key"
    key.write_text("secret")
    key.chmod(0o644)
    assert wrong(await check_secret(Settings())) == [f"{key} has the permissions 0644"]
    key.chmod(0o600)
    assert wrong(await check_secret(Settings())) == []
    weak: Any = {"secret_key": "short"}
    assert wrong(await check_secret(Settings(server=weak))) == ["server.secret_key has 5 characters"]
    shared: Any = {"url": "postgresql://db/fabu"}
    assert "all servers on this database have to share" in wrong(await check_secret(Settings(database=shared)))[0]


async def test_database(folder: Path) -> None:
    assert wrong(await check_database(Settings())) == []
    assert not (folder / "fabu.db").exists()
    (folder / "fabu.db").touch()
    assert wrong(await check_database(Settings())) == ["its tables are older"]
    upgrade("sqlite:///fabu.db")
    assert wrong(await check_database(Settings())) == []
    elsewhere: Any = {"url": "postgresql://nobody:hunter2@127.0.0.1:1/none"}
    [told] = wrong(await check_database(Settings(database=elsewhere)))
    assert told.startswith("the database does not answer")
    assert "hunter2" not in told
    nonsense: Any = {"url": "mysql://db"}
    assert wrong(await check_database(Settings(database=nonsense))) == ["database.url cannot be read"]


async def test_database_of_several_servers() -> None:
    with fresh_database("PostgreSQL", POSTGRES, drop="DROP DATABASE {} WITH (FORCE)") as url:
        scaled: Any = {"url": url}
        assert wrong(await check_database(Settings(database=scaled))) == ["its tables are older"]
        upgrade(url)
        assert wrong(await check_database(Settings(database=scaled))) == []
        assert wrong(await check_clock(Settings(database=scaled))) == []


async def test_clock(stranger: str) -> None:
    vendors: Any = {"app_id": "cli_1", "domain": stranger}
    [told] = wrong(await check_clock(Settings(feishu=vendors)))
    assert told.startswith("the clock of Feishu is ")


async def test_server_that_is_another_program(stranger: str) -> None:
    other: Any = {"public_url": f"{stranger}/elsewhere"}
    assert wrong(await check_server(Settings(server=other))) == [
        f"{stranger}/elsewhere/healthz answers 404, so it is another program"
    ]


async def test_server_that_is_not_the_one_of_these_settings(stranger: str) -> None:
    other: Any = {"public_url": stranger}
    upgrade("sqlite:///fabu.db")
    assert wrong(await check_server(Settings(server=other))) == [
        f"{stranger} is a server on another database than that of these settings"
    ]


async def test_callbacks_that_the_proxy_does_not_pass_on(stranger: str) -> None:
    feishu: Any = {"app_id": "cli_1", "mode": "http"}
    dingtalk: Any = {"client_id": "ding1", "mode": "stream"}
    there: Any = {"public_url": stranger}
    found = await check_callbacks(Settings(server=there, feishu=feishu, dingtalk=dingtalk))
    assert wrong(found) == [f"{stranger}/feishu/events answers 404"]
    nowhere: Any = {"public_url": "http://127.0.0.1:1"}
    [told] = wrong(await check_callbacks(Settings(server=nowhere, feishu=feishu)))
    assert told.startswith("http://127.0.0.1:1/feishu/events is not reached")


async def test_hook_endpoints(stranger: str) -> None:
    hooks: Any = {"url": f"{stranger}/hook", "secret": "whsec_no base64!"}
    assert wrong(await check_hooks(Settings(hooks=hooks))) == [
        "hook endpoint default: a webhook secret is base64, optionally after 'whsec_'",
        f"hook endpoint default: {stranger}/hook is not reached ({told_of(stranger)})",
    ]
    allowed: Any = {"url": f"{stranger}/hook", "secret": "whsec_c2VjcmV0", "allow_internal": ["127.0.0.0/8"]}
    assert wrong(await check_hooks(Settings(hooks=allowed))) == []


def told_of(stranger: str) -> str:
    url = URL(stranger)
    return f"{url.host} is an internal address; to allow it, add its network to hooks.allow_internal"


async def test_zadig() -> None:
    async with Zadig() as zadig:
        good: Any = {"url": zadig.url, "token": "zadig-api-token"}
        assert wrong(await check_zadig(Settings(zadig=good))) == []
        bad: Any = {"url": zadig.url, "token": "another"}
        assert wrong(await check_zadig(Settings(zadig=bad))) == [
            "Zadig did not accept the request: it does not accept the token; check zadig.token"
        ]
    [told] = wrong(await check_zadig(Settings(zadig=good)))
    assert "it cannot be reached" in told


async def test_slack() -> None:
    async with SlackSimulator() as slack:
        settings: Any = {"bot_token": slack.bot_token, "api_url": slack.api_url, "signing_secret": "s"}
        assert wrong((await examine(Settings(slack=settings)))["slack"]) == []
        refused = settings | {"bot_token": "xoxb-wrong", "signing_secret": ""}
        assert wrong((await examine(Settings(slack=refused)))["slack"]) == [
            "Slack refuses the bot token.",
            "Slack: there is no signing secret, so no request of Slack can be proven.",
        ]


async def test_local_runner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(await check_local(Settings())) == []
    monkeypatch.setenv("PATH", str(folder))
    assert wrong(await check_local(Settings())) == ["there is no bash on this machine"]
    off: Any = {"enabled": False}
    assert await check_local(Settings(local=off)) == []
