"""A vendor that takes everything at once: `python -m tests.benchmarks.sink`. It prints its address."""

from __future__ import annotations

import asyncio

from aiohttp import web

ANSWER = {
    "ok": True, "ts": "1.1", "channel": {"id": "D1"},  # Slack
    "code": 0, "tenant_access_token": "t", "expire": 7200, "data": {"message_id": "om_1"},  # Feishu
    "accessToken": "t", "expireIn": 7200, "success": True, "result": {"deliverResults": [{"success": True}]},
    "errcode": 0,
}  # fmt: skip


async def take(request: web.Request) -> web.Response:
    """Take whatever is sent."""
    await request.read()
    return web.json_response(ANSWER)


async def main() -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
