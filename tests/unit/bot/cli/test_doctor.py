"""The check-up: what is well, what is not, and the cure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from bot.doctor import (
    check_callbacks,
    check_clock,
    check_proxies,
    check_secret,
    check_server,
    check_settings,
    examine,
)
from config.settings import Settings
from tests.adapters import wrong
from tests.contract.store.offices import Office
from tests.simulators.proxy import Proxy
from tests.simulators.slack import SlackSimulator
from tests.unit.bot.cli.conftest import Terminal

PEOPLE: Any = [{"id": "alice"}]
NO_SCRIPTS: Any = {"FABU__LOCAL__ENABLED": "false"}
"""Doctor finds that nothing isolates scripts where there is no bubblewrap."""


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
    told = server.fabu("doctor", FABU__SERVER__PUBLIC_URL=url, **NO_SCRIPTS)
    assert "Everything is well." in told
    assert f"{url} is the server of these settings" in told
    assert "its tables fit this version" in told


def test_doctor_fails_with_the_cure_for_what_is_wrong(terminal: Terminal) -> None:
    told = terminal.fabu("doctor", code=1, FABU__SERVER__PUBLIC_URL="http://127.0.0.1:1", **NO_SCRIPTS)
    assert "✗ mend  nothing answers at http://127.0.0.1:1 (Connection refused)" in told
    assert "→ start `fabu run`, or mend the proxy" in told
    assert "1 to mend." in told


def test_a_test_of_messages_needs_a_chat_and_a_plan_that_exists(server: Terminal) -> None:
    url = server.env["FABU_URL"]
    told = server.fabu("doctor", "--send-test", code=1, FABU__SERVER__PUBLIC_URL=url)
    assert "no chat is enabled, so nothing was sent" in told
    assert "There is no plan 9999" in server.fabu("doctor", "--send-test", "--plan", "9999", code=1)
    assert "--plan says whom --send-test writes to" in server.fabu("doctor", "--plan", "9", code=2)


async def test_only_areas_in_use_are_reported() -> None:
    assert set(await examine(Settings(people=PEOPLE))) == {
        "settings",
        "secret key",
        "database",
        "server",
        "local runner",
    }


async def test_settings_that_do_not_fit_together() -> None:
    slack: Any = {"bot_token": "xoxb-1", "signing_secret": "s"}
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


async def test_settings_with_secrets_that_others_can_read(folder: Path) -> None:
    file = folder / "fabu.toml"
    file.write_text('[slack]\nbot_token = "xoxb-1"\nsigning_secret = "s"\n')
    file.chmod(0o644)
    slack: Any = {"bot_token": "xoxb-secret", "signing_secret": "5ecret", "api_url": "http://127.0.0.1:1/api/"}
    settings = Settings(people=PEOPLE, slack=slack)
    told = f"{file} has the permissions 0644"
    assert told not in wrong((await examine(settings, file))["settings"]), "its secrets are in the environment"
    file.write_text('[slack]\nbot_token = "xoxb-secret"\n')
    assert told in wrong((await examine(settings, file))["settings"])
    file.chmod(0o600)
    assert told not in wrong((await examine(settings, file))["settings"])


async def test_a_lost_key_is_found(folder: Path) -> None:
    store = open_store("sqlite:///fabu.db", b"k" * 32)
    await Office(store).create()
    await store.close()
    key = folder / "fabu.key"
    [finding] = await check_secret(Settings())
    assert (finding.ok, finding.text) == (False, f"{key} is lost, but the database was written with it")
    assert "restore it from the backup" in finding.cure
    key.touch(0o600)
    assert wrong(await check_secret(Settings())) == [finding.text], "an empty file is no key"


async def test_clock(stranger: str) -> None:
    vendors: Any = {"app_id": "cli_1", "app_secret": "s", "verification_token": "v", "domain": stranger}
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
    feishu: Any = {"app_id": "cli_1", "app_secret": "s", "verification_token": "v", "mode": "http"}
    dingtalk: Any = {"client_id": "ding1", "client_secret": "s", "robot_code": "r", "mode": "stream"}
    there: Any = {"public_url": stranger}
    found = await check_callbacks(Settings(server=there, feishu=feishu, dingtalk=dingtalk))
    assert wrong(found) == [f"{stranger}/feishu/events answers 404"]
    nowhere: Any = {"public_url": "http://127.0.0.1:1"}
    [told] = wrong(await check_callbacks(Settings(server=nowhere, feishu=feishu)))
    assert told.startswith("http://127.0.0.1:1/feishu/events is not reached")


async def test_slack() -> None:
    async with SlackSimulator() as slack:
        settings: Any = {"bot_token": slack.bot_token, "api_url": slack.api_url, "signing_secret": "s"}
        assert wrong((await examine(Settings(slack=settings)))["slack"]) == []
        refused = settings | {"bot_token": "xoxb-wrong"}
        assert wrong((await examine(Settings(slack=refused)))["slack"]) == ["Slack refuses the bot token."]


async def test_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await check_proxies(Settings()) == []
    hooks: Any = {"url": "https://ci.example.com/hook"}
    async with Proxy({}, tmp_path / "proxy", "fabu", "pa55") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
        found = [finding.text for finding in await check_proxies(Settings(hooks=hooks))]
    port = URL(proxy.url).port
    assert found[:2] == [
        f"HTTPS_PROXY: the proxy http://fabu:***@127.0.0.1:{port} answers",
        "these addresses are reached without a proxy: 10.0.0.0/8",
    ]
    assert "asks the proxy for the address" in found[2]
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1080")
    assert wrong(await check_proxies(Settings())) == [
        "HTTP_PROXY names no HTTP proxy, so it is not used",
        f"HTTPS_PROXY: the proxy http://fabu:***@127.0.0.1:{port} does not answer (Connection refused)",
    ]


async def test_a_runner_brings_its_own_check_up(stranger: str) -> None:
    zadig: Any = {"url": stranger, "token": "t"}
    found = await examine(Settings(zadig=zadig))
    assert list(found)[-2:] == ["zadig", "local runner"]
    assert wrong(found["zadig"]) == ["Zadig did not accept the request: it answered 404; check zadig.url"]
    [skew] = wrong(found["clock"])
    assert skew.startswith("the clock of Zadig is ")
    off: Any = {"enabled": False}
    assert "local runner" not in await examine(Settings(local=off))


def test_settings_that_cannot_be_used_are_named(terminal: Terminal) -> None:
    told = terminal.fabu("doctor", code=2, FABU__LOCAL__DATABASES='{"shop": "nonsense"}')
    assert "local.databases.shop: write the URL of the database as " in told
