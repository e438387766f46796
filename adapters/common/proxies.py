"""The HTTP proxies of the environment, for every connection that Fabu opens to another system.

HTTP_PROXY and HTTPS_PROXY, in capital or small letters, name the proxy for a scheme, and ALL_PROXY that for both. The
addresses in NO_PROXY are reached directly, and so is this machine. A WebSocket counts as HTTPS, or as HTTP without TLS.
aiohttp and the vendors' SDKs differ in what they read: of HTTPS_PROXY for WebSockets, of NO_PROXY, of this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, encode_basic_auth, hdrs
from yarl import URL

from adapters.common.settings import is_loopback

_SCHEMES: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies by scheme: `http`, `https`, `all`; and in `no` the addresses that need none."""

    by_scheme: Mapping[str, str]

    @classmethod
    def of_environment(cls) -> Proxies:
        """Return the proxies that the environment variables name now."""
        return cls(getproxies_environment())

    def named(self) -> dict[str, URL]:
        """Return the proxies by the name of their variable. One that is no URL of an HTTP proxy is not used."""
        found = {
            f"{scheme.upper()}_PROXY": _parse(self.by_scheme.get(scheme, "")) for scheme in ("http", "https", "all")
        }
        return {name: url for name, url in found.items() if url}

    def unusable(self) -> list[str]:
        """Return the names of variables whose value is no URL of an HTTP proxy, such as that of a SOCKS proxy."""
        schemes = (scheme for scheme in ("http", "https", "all") if self.by_scheme.get(scheme))
        return [f"{scheme.upper()}_PROXY" for scheme in schemes if not _parse(self.by_scheme[scheme])]

    @property
    def direct(self) -> str:
        """The addresses that need no proxy, as NO_PROXY lists them."""
        return self.by_scheme.get("no", "")

    def find(self, url: URL) -> URL | None:
        """Return the proxy for a URL, with its credentials; None for a direct connection."""
        if is_loopback(url.host) or url.host is None:
            return None
        written = self.by_scheme.get(_SCHEMES.get(url.scheme, url.scheme)) or self.by_scheme.get("all", "")
        return _parse(written) if written and not self._is_direct(url) else None

    def _is_direct(self, url: URL) -> bool:
        """Return whether NO_PROXY lists the host of a URL, a domain above it (`.x.com`, `*.x.com`) or its network."""
        listed = self.direct.replace("*.", ".")
        if proxy_bypass_environment(f"{url.host}:{url.port}", {"no": listed}):
            return True
        return any(_is_inside(str(url.host), network.strip()) for network in listed.split(",") if "/" in network)

    async def use(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request by its proxy: the middleware of a session."""
        set_proxy(request, self.find(request.url))
        return await handler(request)


def set_proxy(request: ClientRequest, proxy: URL | None) -> None:
    """Send a request by a proxy, or directly, whatever was requested for it before."""
    if proxy is None or proxy.user is None:
        request.update_proxy(proxy, None, None)
        return
    credentials = {hdrs.PROXY_AUTHORIZATION: encode_basic_auth(proxy.user, proxy.password or "")}
    tunnelled = request.is_ssl()
    request.update_proxy(proxy.with_user(None), None, credentials if tunnelled else None)
    if not tunnelled:
        request.headers.update(credentials)


def open_proxied_session(**options: Any) -> ClientSession:
    """Open a session of aiohttp that uses the proxies of the environment; the caller closes it."""
    proxies = Proxies.of_environment()
    return ClientSession(middlewares=(proxies.use,), **options) if proxies.by_scheme else ClientSession(**options)


def mask_credentials(proxy: URL) -> str:
    """Return the URL of a proxy for people, without its password."""
    return str(proxy.with_password("***") if proxy.password else proxy)


def _is_inside(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:  # a name, or no network
        return False


def _parse(text: str) -> URL | None:
    """Return the URL of an HTTP proxy; as curl does, `host:port` is one as well. None for anything else."""
    try:
        url = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and url.host else None
