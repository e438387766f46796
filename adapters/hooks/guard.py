"""Keeps hooks away from internal addresses (server-side request forgery).

The check sits where a socket is made for one concrete address, after DNS and immediately before the connection. So it
holds for literal addresses in any spelling, for every answer of a name server, and for a name that answers
differently the second time: there is no gap between a check and its use.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from core.messages import Message

TIMEOUT = ClientTimeout(total=15, connect=5)
"""Seconds for a whole request, and for its connection (Standard Webhooks advises 15 to 30)."""

Network = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 given out to hosts; it leaves out NAT64 (64:ff9b::/96), loopback, local and mapped ranges."""

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


class BlockedAddress(PermissionError):
    """A hook would have gone to an internal address."""

    def __init__(self, host: str) -> None:
        self.reason = Message(
            "{host} is an internal address; to allow it, add its network to hooks.allow_internal", {"host": host}
        )
        super().__init__(errno.EACCES, str(self.reason))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to a host on the open internet."""
    if any(address in block for block in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _UNICAST)


def parse_host(host: str) -> IPv4Address | IPv6Address:
    """Return the address that a connection to `host` would reach, reading it as the C library does.

    `2130706433`, `0177.0.0.1` and `0x7f.1` are all 127.0.0.1; an IPv4 address mapped into IPv6 is that IPv4 address.

    Raises:
        OSError: it is no address in any spelling.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return IPv4Address(socket.inet_aton(host))
    return getattr(address, "ipv4_mapped", None) or address


class Guard:
    """Makes sockets to public addresses, and to the internal networks that the operator allows."""

    def __init__(self, allow: Iterable[str]) -> None:
        """Allow internal networks, each written as a CIDR such as `10.0.0.0/8`.

        Raises:
            ValueError: one of them is no CIDR.
        """
        self._allow: list[Network] = [ip_network(cidr) for cidr in allow]

    def check(self, host: str) -> None:
        """Let an address pass, in any spelling.

        Raises:
            BlockedAddress: it is internal and not allowed.
        """
        address = parse_host(host)
        if not is_public(address) and not any(address in network for network in self._allow):
            raise BlockedAddress(host)

    def make_socket(self, info: AddrInfoType) -> socket.socket:
        """Make the socket for one resolved address; aiohttp calls this before each connection.

        Raises:
            BlockedAddress: the address is internal and not allowed.
        """
        family, kind, protocol, _, peer = info
        self.check(str(peer[0]))
        return socket.socket(family, kind, protocol)


def guarded_session(allow: Iterable[str] = (), timeout: ClientTimeout = TIMEOUT) -> ClientSession:
    """Open a session that reaches public addresses and the networks of `allow` only; the caller closes it.

    It keeps no cookies, obeys no proxy variables, asks the name server anew for each connection, and leaves answers
    compressed, since a small answer may unpack to a huge one.
    """
    return ClientSession(
        connector=TCPConnector(socket_factory=Guard(allow).make_socket, use_dns_cache=False),
        cookie_jar=DummyCookieJar(),
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("Accept-Encoding",),
    )
