"""Whatever is posted to an address of a vendor has to be proven first."""

from __future__ import annotations

from typing import Any

import pytest

from bot.app import run_app
from config.settings import Settings
from tests.scenario.office import Fabu, opened

VENDORS = ("slack", "feishu", "dingtalk")
BODIES = {
    "application/json": [b"{}", b'{"type":"url_verification","challenge":"x"}', b'{"encrypt":"AAAA"}', b"{", b""],
    "application/x-www-form-urlencoded": [b"ssl_check=1", b"payload=%7B%7D", b"command=/release&user_id=U1", b""],
    "text/plain": [b"hello"],
}


@pytest.fixture
def sections() -> dict[str, Any]:
    """Every chat, each in the mode that is served over HTTP."""
    feishu = {"app_id": "cli_1", "app_secret": "s", "verification_token": "t", "encrypt_key": "k", "mode": "http"}
    dingtalk = {
        "client_id": "c",
        "client_secret": "s",
        "robot_code": "r",
        "token": "t",
        "aes_key": "k" * 43,
        "card_secret": "s",
    }
    return {
        "feishu": feishu | {"domain": "http://127.0.0.1:9"},
        "dingtalk": dingtalk | {"mode": "http", "api_url": "http://127.0.0.1:9", "oapi_url": "http://127.0.0.1:9"},
    }


async def test_unproven_posts_are_refused_at_every_address(settings: Settings) -> None:
    async with run_app(settings) as app:
        paths = {
            route.resource.canonical
            for route in app.router.routes()
            if route.method == "POST" and route.resource and route.resource.canonical.split("/")[1] in VENDORS
        }
    assert "/slack/events" in paths
    async with opened(settings) as fabu:
        answers = {
            (path, kind, body): await post(fabu, path, kind, body)
            for path in paths
            for kind, bodies in BODIES.items()
            for body in bodies
        }
    assert {asked: status for asked, status in answers.items() if status != 401} == {}


async def post(fabu: Fabu, path: str, kind: str, body: bytes) -> int:
    headers = {"Content-Type": kind}
    async with fabu.session.post(fabu.url + path, data=body, headers=headers) as response:
        return response.status
