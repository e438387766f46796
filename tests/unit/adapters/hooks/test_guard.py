from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from socket import AF_INET, SOCK_STREAM

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientSession, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from adapters.hooks.guard import BlockedAddress, Guard, guarded_session, parse_host
from tests.loopback import serve
from tests.simulators.proxy import Proxy

HOST = "93.184.215.14"

INTERNAL = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
SPELLINGS = ["2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "0x7f.1", "127.1", "0x7f.0.0.1", "127.0.1"]


@pytest.mark.parametrize("host", INTERNAL + SPELLINGS)
def test_internal_addresses_are_blocked(host: str) -> None:
    with pytest.raises(BlockedAddress, match=r"hooks\.allow_internal"):
        Guard(()).check(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_pass(host: str) -> None:
    Guard(()).check(host)


def test_every_spelling_is_read_as_the_c_library_reads_it() -> None:
    assert {parse_host(host) for host in SPELLINGS} == {IPv4Address("127.0.0.1")}
    assert parse_host("::ffff:10.0.0.1") == IPv4Address("10.0.0.1")
    assert parse_host("::1") == IPv6Address("::1")
    with pytest.raises(OSError, match="illegal IP address"):
        parse_host("example.com")


def test_an_allowed_network_opens_itself_alone() -> None:
    guard = Guard(["10.0.0.0/8", "fd00::/8"])
    for host in ("10.9.8.7", "::ffff:10.9.8.7", "0xa.9.8.7", "fd00::1"):
        guard.check(host)
    for host in ("127.0.0.1", "169.254.169.254", "192.168.1.1", "fc00::1"):
        with pytest.raises(BlockedAddress):
            guard.check(host)


def test_an_allow_list_with_a_typing_error_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Guard(["10.0.0.1/8"])


class Names(AbstractResolver):
    """Answers every name with the next of the given addresses, as a name server under an attacker's control can."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = iter(addresses)

    async def resolve(self, host: str, port: int = 0, family: int = AF_INET) -> list[ResolveResult]:
        address = next(self._addresses)
        return [ResolveResult(hostname=host, host=address, port=port, family=AF_INET, proto=SOCK_STREAM, flags=0)]

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
async def inside() -> AsyncIterator[tuple[int, list[str]]]:
    """Serve something internal: its port, and the hosts it was asked under."""
    asked: list[str] = []

    async def secret(request: web.Request) -> web.Response:
        asked.append(request.host)
        return web.Response(text="internal")

    async with serve({"/": secret}, "GET") as url:
        yield URL(url).port or 0, asked


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", *SPELLINGS])
async def test_no_spelling_reaches_an_internal_server(host: str, inside: tuple[int, list[str]]) -> None:
    port, asked = inside
    refusal = r"hooks\.allow_internal|not a canonical IPv4 address"  # the latter is aiohttp's own
    async with guarded_session() as session:
        with pytest.raises(ClientError, match=refusal):
            await session.get(f"http://{host}:{port}/")
    assert asked == []


async def test_an_allowed_network_is_reached(inside: tuple[int, list[str]]) -> None:
    port, asked = inside
    async with guarded_session(["127.0.0.0/8"]) as session, session.get(f"http://127.0.0.1:{port}/") as response:
        assert await response.text() == "internal"
    assert asked == [f"127.0.0.1:{port}"]


async def test_a_name_that_turns_internal_after_the_first_look_is_blocked(inside: tuple[int, list[str]]) -> None:
    port, asked = inside
    url = f"http://rebinding.example:{port}/"
    names = Names("127.0.0.1", "127.0.0.2")
    connector = TCPConnector(
        resolver=names, socket_factory=Guard(["127.0.0.1/32"]).make_socket, use_dns_cache=False, force_close=True
    )
    async with ClientSession(connector=connector) as session:
        async with session.get(url) as response:
            assert response.status == 200
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(url)
    assert isinstance(caught.value.os_error, BlockedAddress)
    assert asked == [f"rebinding.example:{port}"]


async def receive(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.host} {request.path}")


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """A proxy that the environment names. It is an internal server itself, and reaches one that looks public."""
    async with (
        serve({"/hook": receive}) as url,
        Proxy({HOST: url, "10.0.0.7": url, "ci.example": url}, tmp_path) as proxy,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield proxy


@pytest.mark.parametrize("host", ["10.0.0.7", "0x0a000007", "[::ffff:10.0.0.7]", "inside.example"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_does_not_lead_around_the_guard(proxy: Proxy, scheme: str, host: str) -> None:
    async with guarded_session(resolver=Names("10.0.0.7")) as session:
        with pytest.raises(ClientConnectorError) as caught:
            await session.post(f"{scheme}://{host}/hook")
    assert isinstance(caught.value.os_error, BlockedAddress)
    assert proxy.asked == []


async def test_a_proxy_is_asked_for_the_address_that_was_checked(proxy: Proxy) -> None:
    """And for no name, which the proxy might resolve to another address."""
    trusting = ssl.create_default_context(cafile=str(proxy.authority))
    async with guarded_session(resolver=Names(HOST, HOST)) as session:
        async with session.post("http://ci.example/hook") as response:
            assert response.status == 200
        assert proxy.asked == [f"http://{HOST}/hook"]
        async with session.post("https://ci.example/hook", ssl=trusting) as response:
            assert await response.text() == "ci.example /hook", "the certificate and the page are those of the name"
    assert proxy.asked[1:] == [f"{HOST}:443"]


async def test_a_host_of_several_addresses_is_blocked_by_one_of_them(proxy: Proxy) -> None:
    class Several(Names):
        async def resolve(self, host: str, port: int = 0, family: int = AF_INET) -> list[ResolveResult]:
            return [*await super().resolve(host, port), *await super().resolve(host, port)]

    async with guarded_session(resolver=Several(HOST, "10.0.0.7")) as session:
        with pytest.raises(ClientConnectorError):
            await session.post("https://ci.example/hook")
    assert proxy.asked == []


async def test_what_the_guard_blocks_is_blocked_without_the_proxy_too(
    proxy: Proxy, inside: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = inside
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
    async with guarded_session() as session:
        for url in ("http://10.0.0.7/hook", f"http://127.0.0.1:{port}/", f"{proxy.url}/hook"):
            with pytest.raises(ClientConnectorError):
                await session.post(url)
    assert proxy.asked == asked == []


async def test_an_allowed_network_is_reached_by_the_proxy(proxy: Proxy) -> None:
    async with guarded_session(["10.0.0.0/8"]) as session, session.post("http://10.0.0.7/hook") as response:
        assert await response.text() == "10.0.0.7 /hook"
