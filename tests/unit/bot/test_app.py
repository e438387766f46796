"""The web server of the program."""

from __future__ import annotations

import asyncio

from aiohttp import web
from yarl import URL

from bot.app import serve_http
from tests.waiting import PATIENCE


async def test_a_body_that_never_ends_does_not_hold_up_the_end_of_the_server() -> None:
    arrived = asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        arrived.set()
        return web.Response(text=await request.text())

    app = web.Application()
    app.router.add_post("/", read)
    async with asyncio.timeout(PATIENCE):
        async with serve_http(app, "127.0.0.1", 0, grace=0.1) as url:
            _, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            await arrived.wait()
        writer.close()
