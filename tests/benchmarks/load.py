"""A load generator: prepared HTTP requests over connections that the server may close, each waiting for its answer."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LENGTH = re.compile(rb"content-length: (\d+)")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run of requests showed: how many a second, and the median wait in milliseconds."""

    rate: float
    p50: float


def http_post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of a POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(port: int, requests: Sequence[bytes], connections: int) -> Figures:
    """Send the requests over so many connections. Raises RuntimeError at the first answer that is not 200."""
    queue, waits = iter(requests), list[float]()
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, queue, waits) for _ in range(connections)))
    return Figures(len(waits) / (time.perf_counter() - started), statistics.median(waits) * 1000)


async def _connection(port: int, requests: Iterator[bytes], waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        started = time.perf_counter()
        if writer.is_closing():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(_LENGTH.findall(head)[0]))
        waits.append(time.perf_counter() - started)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        if b"\r\nconnection: close" in head:
            writer.close()
    writer.close()
