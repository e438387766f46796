"""An HTTP proxy on loopback: it tunnels (CONNECT) and forwards, counts what it is asked for, and knows no name servers.

The hosts that it reaches are given with the simulator that answers there. It ends the TLS of tunnels itself, with a
certificate for these hosts from an authority of its own, so that simulators without TLS stand for `https` hosts.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL


class Proxy:
    """A proxy, as an async context manager; `url` is its address, with the credentials if it requires any.

    `hosts` maps what it reaches to the URLs of simulators. `asked` is what it was asked for, in order: `host:port` of
    tunnels, and the URLs of forwarded requests. `refused` counts requests without the credentials.
    """

    def __init__(self, hosts: Mapping[str, str], folder: Path, user: str = "", password: str = "") -> None:
        self._hosts = {host: URL(url) for host, url in hosts.items()}
        self._authorization = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if user else ""
        self._credentials = f"{user}:{password}@" if user else ""
        self.authority = folder / "authority.pem"
        self._context = _make_context([*hosts], folder, self.authority)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked: list[str] = []
        self.refused = 0
        self.url = ""

    def tunnels_to(self, host: str) -> int:
        """Return how many tunnels to a host were asked for."""
        return sum(one.partition(":")[0] == host for one in self.asked)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{self._credentials}127.0.0.1:{port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.split("\r\n")
        method, target, version = line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in rest if field)}
        self.asked.append(target)
        if self._authorization and headers.get("proxy-authorization") != self._authorization:
            self.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host = URL(target if method != "CONNECT" else f"//{target}").host or ""
        if host not in self._hosts:
            writer.write(b"HTTP/1.1 502 Unknown Host\r\nContent-Length: 0\r\n\r\n")
            return
        upstream = self._hosts[host]
        far_reader, far_writer = await asyncio.open_connection(upstream.host, upstream.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._context)
        else:
            kept = [field for field in rest if not field.lower().startswith(("proxy-", "connection:"))]
            lines = [f"{method} {URL(target).raw_path_qs} {version}", "Connection: close", *kept]
            far_writer.write("\r\n".join(lines).encode("latin-1"))
        try:
            await _run_both(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.close()


async def _run_both(*copies: Coroutine[None, None, None]) -> None:
    """Run both directions until one of them ends."""
    tasks = [asyncio.create_task(copy) for copy in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


def _make_context(hosts: list[str], folder: Path, authority: Path) -> ssl.SSLContext:
    """Write the certificate of a new authority, and return a context with its certificate for hosts."""
    folder.mkdir(exist_ok=True)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    ca = _sign(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hosts of the tests")])
    leaf = _sign(name, ca_name, key, ca_key, x509.SubjectAlternativeName([_general_name(host) for host in hosts]))
    pem = serialization.Encoding.PEM
    authority.write_bytes(ca.public_bytes(pem))
    chain = folder / "hosts.pem"
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(plain + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
