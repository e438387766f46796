"""An HTTP server on the loopback for tests, with handlers of aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(paths: Mapping[str, Answer], method: str = "POST") -> AsyncIterator[str]:
    """Serve handlers by path on a free port; yield the URL of the server, without a slash at the end."""
    app = web.Application(client_max_size=4 << 20)
    app.add_routes([web.route(method, path, answer) for path, answer in paths.items()])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
