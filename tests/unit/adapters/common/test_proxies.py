"""Which proxy a URL has, and that requests go by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import ClientHttpProxyError, web
from yarl import URL

from adapters.common.proxies import Proxies, mask_credentials, open_proxied_session
from tests.loopback import serve
from tests.simulators.proxy import Proxy

P = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP", "HTTPS", "ALL", "NO"):
        monkeypatch.delenv(f"{name}_PROXY", raising=False)
        monkeypatch.delenv(f"{name.lower()}_proxy", raising=False)


def find(monkeypatch: pytest.MonkeyPatch, url: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return str(Proxies.of_environment().find(URL(url)) or "")


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://slack.com/api/", {}, ""),
        ("https://slack.com/api/", {"HTTPS_PROXY": P}, P),
        ("https://slack.com/api/", {"https_proxy": P, "HTTPS_PROXY": "http://other.example"}, P),
        ("https://slack.com/api/", {"HTTPS_PROXY": "proxy.example:3128"}, P),
        ("https://slack.com/api/", {"HTTP_PROXY": P}, ""),
        ("https://slack.com/api/", {"ALL_PROXY": P}, P),
        ("http://zadig.example/", {"HTTP_PROXY": P}, P),
        ("http://zadig.example/", {"HTTPS_PROXY": P}, ""),
        ("wss://wss-primary.slack.com/link", {"HTTPS_PROXY": P}, P),
        ("ws://gateway.example/", {"HTTP_PROXY": P}, P),
        ("https://slack.com/", {"HTTPS_PROXY": P, "NO_PROXY": "slack.com"}, ""),
        ("wss://wss-primary.slack.com/", {"HTTPS_PROXY": P, "NO_PROXY": "feishu.cn, .slack.com"}, ""),
        ("https://oapi.dingtalk.com/", {"HTTPS_PROXY": P, "no_proxy": "*.dingtalk.com"}, ""),
        ("https://notslack.com/", {"HTTPS_PROXY": P, "NO_PROXY": "slack.com"}, P),
        ("https://zadig.example/", {"HTTPS_PROXY": P, "NO_PROXY": "*"}, ""),
        ("https://zadig.example:8443/", {"HTTPS_PROXY": P, "NO_PROXY": "zadig.example:443"}, P),
        ("https://10.1.2.3/", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3/", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8,no/network"}, P),
        ("http://127.0.0.1:8080/", {"HTTP_PROXY": P}, ""),
        ("http://localhost:8080/", {"HTTP_PROXY": P}, ""),
        ("http://[::1]:8080/", {"ALL_PROXY": P}, ""),
        ("https://slack.com/", {"HTTPS_PROXY": "socks5://proxy.example:1080"}, ""),
        ("https://slack.com/", {"HTTPS_PROXY": "http://proxy.example:none"}, ""),
    ],
)
def test_the_proxy_of_a_url(monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], proxy: str) -> None:
    assert find(monkeypatch, url, variables).rstrip("/") == proxy


def test_proxies_are_named_without_their_passwords() -> None:
    proxies = Proxies({"https": "http://fabu:pa55@proxy.example:3128", "all": "socks5://proxy.example", "no": "x"})
    assert {name: mask_credentials(url) for name, url in proxies.named().items()} == {
        "HTTPS_PROXY": "http://fabu:***@proxy.example:3128"
    }
    assert proxies.unusable() == ["ALL_PROXY"]


async def ok(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.host}{request.path_qs}")


async def test_a_request_without_tls_is_forwarded_with_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serve({"/hook": ok}, "GET") as url,
        Proxy({"zadig.example": url}, tmp_path, "fabu", "p@ss") as proxy,
    ):
        monkeypatch.setenv("HTTP_PROXY", str(URL(proxy.url).with_user("fabu").with_password("p@ss")))
        async with open_proxied_session() as session:
            for _ in range(2):
                async with session.get("http://zadig.example/hook?a=1") as response:
                    assert await response.text() == "zadig.example/hook?a=1"
            async with session.get(f"{url}/hook") as response:
                assert response.status == 200, "this machine is reached directly"
    assert proxy.asked == ["http://zadig.example/hook?a=1"] * 2
    assert proxy.refused == 0


async def test_a_proxy_that_refuses_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Proxy({}, tmp_path, "fabu", "secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", str(URL(proxy.url).with_password("wrong")))
        async with open_proxied_session() as session:
            with pytest.raises(ClientHttpProxyError) as caught:
                await session.get("https://slack.example/")
    assert caught.value.status == 407


def test_every_session_is_opened_with_the_proxies() -> None:
    root = Path(__file__).parents[4]
    files = (file for folder in ("adapters", "bot") for file in (root / folder).rglob("*.py"))
    own = {str(file.relative_to(root)) for file in files if re.search(r"\bClientSession\(", file.read_text())}
    assert own == {"adapters/common/proxies.py", "adapters/hooks/guard.py"}
