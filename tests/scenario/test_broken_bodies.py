"""Bodies that no client of ours sends, posted to every address: each gets a refusal, none an error of the server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from yarl import URL

from bot.app import run_app
from config.settings import Settings
from core.chat import Inbound
from tests.scenario.office import Fabu, opened
from tests.simulators.feishu_platform import signed as signed_by_feishu
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_payloads import signed as signed_by_slack

FORM, JSON, MULTIPART = "application/x-www-form-urlencoded", "application/json", "multipart/form-data"
NESTED = b'{"a":' * 5000
BODIES: tuple[tuple[str, bytes], ...] = (
    (JSON, b""),
    (JSON, b"{"),
    (JSON, b"[]"),
    (JSON, b"null"),
    (JSON, b"1e999"),
    (JSON, b'"\\ud800"'),
    (JSON, b'{"text": "\\ud800", "payload": "\\ud800"}'),
    (JSON, b"\xff\xfe{}"),
    (JSON, NESTED),
    (f"{JSON}; charset=no-such-charset", b"{}"),
    (f"{JSON}; charset=utf-16", "{}".encode("utf-16")),
    (f"{JSON}; charset=idna", b"{}"),
    (FORM, b"payload=%7B"),
    (FORM, b"payload=%FF&csrf=%FF"),
    (FORM, b"payload=%7B%22type%22:%22%5Cud800%22%7D"),
    (FORM, b"payload=%7B%22type%22:1%7D&command=%00"),
    (FORM, b"&".join(b"a%d=1" % number for number in range(2000))),
    (f"{FORM}; charset=no-such-charset", b"csrf=x&verb=approve"),
    (f"{FORM}; charset=hex", b"csrf=x"),
    (MULTIPART, b"--x\r\n\r\n"),
    (f"{MULTIPART}; boundary=", b"--x\r\n\r\n"),
    (f"{MULTIPART}; boundary=x", b"--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\ny"),
    (f"{MULTIPART}; boundary=x", b"--x\r\nContent-Transfer-Encoding: rot13\r\n\r\ny\r\n--x--"),
    (f"{MULTIPART}; boundary={'x' * 500}", b"--x"),
    ("multipart/mixed; boundary=x", b"--x\r\nContent-Type: multipart/mixed\r\n\r\n"),
    ("text/plain; charset=\xff", b"\x00"),
    ("", b"x"),
    ("/", b"x"),
    ("application/json; charset=utf-8; charset=latin-1;;;=", b'{"a": 1}'),
)


@pytest.fixture
def sections() -> dict[str, Any]:
    """Every chat, each in the mode that is served over HTTP, and Zadig."""
    nowhere = "http://127.0.0.1:9"
    feishu = {"app_id": "cli_1", "app_secret": "s", "verification_token": "t", "encrypt_key": "k", "mode": "http"}
    dingtalk = {"client_id": "c", "client_secret": "s", "robot_code": "r", "token": "t", "aes_key": "k" * 43}
    urls = {"api_url": nowhere, "oapi_url": nowhere}
    return {
        "feishu": feishu | {"domain": nowhere},
        "dingtalk": dingtalk | urls | {"card_secret": "s", "mode": "http"},
        "zadig": {"url": nowhere, "token": "t"},
    }


@pytest.fixture
async def fabu(settings: Settings, slack: SlackSimulator) -> AsyncIterator[Fabu]:
    async with opened(settings) as running:
        slack.app_url = running.url
        yield running


def signed(path: str, body: bytes, slack: SlackSimulator) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the headers and the query by which a vendor proves a body, none for other paths."""
    now = time.time()
    milliseconds = str(int(now * 1000))
    match path:
        case "/slack/events":
            return signed_by_slack(body, slack.signing_secret), {}
        case "/feishu/events":
            return signed_by_feishu(body, "k", now), {}
        case "/dingtalk/robot":
            return {"timestamp": milliseconds, "sign": mac(f"{milliseconds}\ns")}, {}
        case "/dingtalk/card":
            return {"x-ddpaas-signature-timestamp": milliseconds, "x-ddpaas-signature": mac(milliseconds)}, {}
        case _:
            return {}, {}


def mac(message: str) -> str:
    return base64.b64encode(hmac.new(b"s", message.encode(), hashlib.sha256).digest()).decode()


async def addresses(settings: Settings) -> list[tuple[str, str]]:
    """Return every method and path that takes a body, with something in place of its variables."""
    async with run_app(settings) as app:
        found = {
            (route.method, re.sub(r"\{[^{}]*(\{[^{}]*\})?[^{}]*\}", "1", route.resource.canonical))
            for route in app.router.routes()
            if route.method in ("POST", "PUT", "PATCH", "DELETE") and route.resource
        }
    return sorted(found)


async def test_no_body_breaks_an_address(settings: Settings, slack: SlackSimulator, caplog: Any) -> None:
    known = await addresses(settings)
    caplog.clear()
    assert {("POST", "/slack/events"), ("POST", "/plans/1"), ("POST", "/runners/1/push")} <= {*known}
    broken = []
    async with opened(settings) as fabu, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        await fabu.draft()
        csrf = await sign_in(fabu, browser)
        for method, path in known:
            for kind, body in variants(path, csrf):
                proof, query = signed(path, body, slack)
                headers = {"Content-Type": kind, "Authorization": f"Bearer {fabu.tokens['dave']}", **proof}
                url = URL(fabu.url + path, encoded=True).with_query(query)
                async with browser.request(method, url, data=body, headers=headers) as response:
                    if response.status >= 500:
                        broken.append((method, path, kind, body[:40], response.status))
    assert broken == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def variants(path: str, csrf: str) -> Iterator[tuple[str, bytes]]:
    """Yield the bodies for a path; those of the console have the token of the session as well."""
    yield from BODIES
    if path.startswith(("/plans/", "/sign-")):
        proof = f"csrf={csrf}".encode()
        for rest in (
            b"",
            b"&verb=%00",
            b"&verb=approve&ref=%FF",
            b"&verb=approve&ref=%ED%A0%80&once=%00",
            b"&verb=x&verb=y",
        ):
            if path != "/sign-out":
                yield FORM, proof + rest


async def sign_in(fabu: Fabu, browser: ClientSession) -> str:
    """Sign dave in, and return the token that the forms of the session have."""
    reply = await fabu.services.chat(Inbound("cli", "dave", fabu.services.ids.new(), "web", private=True))
    secret = reply.text.split()[-1].rpartition("/")[2]
    async with browser.post(f"{fabu.url}/sign-in/{secret}") as response:
        cookie = response.history[0].cookies["fabu_session"].value if response.history else ""
    browser.cookie_jar.update_cookies({"fabu_session": cookie}, URL(fabu.url))
    return hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest()
