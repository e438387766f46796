"""Keeps hooks away from internal addresses (server-side request forgery).

The address is checked when its socket is created: after DNS, and immediately before the connection. So the check
covers addresses in every notation and every answer of a name server. There is no gap between the check and its use,
which a second, different DNS answer could exploit (DNS rebinding).

A proxy of the environment is used as for all connections, and does not lead around the check: the name is resolved and
checked here, and the proxy is asked for the address that was checked, not for the name.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_UNSPEC

from aiohttp import (
    AddrInfoType,
    ClientConnectorError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver

from adapters.common.proxies import Proxies, set_proxy
from core.messages import Message

TIMEOUT = ClientTimeout(total=15, connect=5)
"""Seconds for a whole request, and for its connection (Standard Webhooks recommends 15 to 30)."""

Network = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
"""The part of IPv6 assigned to public hosts; it excludes NAT64 (64:ff9b::/96), loopback, local and mapped ranges."""

_REFUSED = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # IETF protocol assignments, with Teredo
        "2002::/16",  # 6to4: holds any IPv4 address
        "3fff::/20",  # documentation
    )
)
"""Special-purpose blocks of the IANA registries that `ipaddress` of Python 3.11 does not count as private."""


_TO_PROXY: ContextVar[bool] = ContextVar("_TO_PROXY", default=False)
"""Whether the connection that is being opened leads to a proxy, which is usually an internal server."""


class BlockedAddress(PermissionError):
    """The address of a hook's receiver is internal, and not allowed."""

    def __init__(self, host: str) -> None:
        self.reason = Message(
            "{host} is an internal address; to allow it, add its network to hooks.allow_internal", {"host": host}
        )
        super().__init__(errno.EACCES, str(self.reason))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is that of a host on the public internet."""
    if any(address in block for block in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _UNICAST)


def parse_host(host: str) -> IPv4Address | IPv6Address:
    """Return the address that a connection to `host` would reach, parsed as the C library does.

    `2130706433`, `0177.0.0.1` and `0x7f.1` are all 127.0.0.1; an IPv4 address mapped into IPv6 is that IPv4 address.

    Raises:
        OSError: it is no address in any notation.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return IPv4Address(socket.inet_aton(host))
    return getattr(address, "ipv4_mapped", None) or address


class Guard:
    """Creates sockets to public addresses, and to the internal networks that the operator allows."""

    def __init__(self, allow: Iterable[str]) -> None:
        """Allow internal networks, each written as a CIDR such as `10.0.0.0/8`.

        Raises:
            ValueError: one of them is no CIDR.
        """
        self._allow: list[Network] = [ip_network(cidr) for cidr in allow]

    def check(self, host: str) -> None:
        """Check an address, in any notation.

        Raises:
            BlockedAddress: it is internal and not allowed.
        """
        address = parse_host(host)
        if not is_public(address) and not any(address in network for network in self._allow):
            raise BlockedAddress(host)

    def make_socket(self, info: AddrInfoType) -> socket.socket:
        """Create the socket for one resolved address; aiohttp calls this before each connection.

        Raises:
            BlockedAddress: the address is internal and not allowed.
        """
        family, kind, protocol, _, peer = info
        if not _TO_PROXY.get():
            self.check(str(peer[0]))
        return socket.socket(family, kind, protocol)


@dataclass(frozen=True, slots=True)
class _GuardedProxies:
    """The middleware of a session: it sends requests by the proxies of the environment, to checked addresses alone."""

    proxies: Proxies
    guard: Guard
    resolver: AbstractResolver

    async def use(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request by its proxy if it has one. Raises ClientConnectorError for an address that is blocked."""
        proxy, host = self.proxies.find(request.url), request.url.host or ""
        if proxy is None:
            return await handler(request)
        try:
            address = await self._check_all(host, request.url.port or 0)
        except OSError as error:
            raise ClientConnectorError(request.connection_key, error) from error
        request.url, request.server_hostname = request.url.with_host(address), host
        set_proxy(request, proxy)
        token = _TO_PROXY.set(True)
        try:
            return await handler(request)
        finally:
            _TO_PROXY.reset(token)

    async def _check_all(self, host: str, port: int) -> str:
        """Return the first address of a host; none of them may be blocked."""
        try:
            addresses = [str(parse_host(host))]
        except OSError:
            addresses = [found["host"] for found in await self.resolver.resolve(host, port, AF_UNSPEC)]
        for address in addresses:
            self.guard.check(address)
        return addresses[0]


def guarded_session(
    allow: Iterable[str] = (), timeout: ClientTimeout = TIMEOUT, resolver: AbstractResolver | None = None
) -> ClientSession:
    """Open a session that reaches public addresses and the networks of `allow` only; the caller closes it.

    It stores no cookies, and caches no DNS answers. It does not decompress responses, since a small response may
    decompress to a huge one. `resolver` resolves names; without one, the system does.
    """
    guard, resolver = Guard(allow), resolver or ThreadedResolver()
    proxies = _GuardedProxies(Proxies.of_environment(), guard, resolver)
    return ClientSession(
        connector=TCPConnector(resolver=resolver, socket_factory=guard.make_socket, use_dns_cache=False),
        middlewares=(proxies.use,),
        cookie_jar=DummyCookieJar(),
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("Accept-Encoding",),
    )
