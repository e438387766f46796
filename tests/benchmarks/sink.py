"""A vendor that takes everything at once: `python -m tests.benchmarks.sink`. It prints its address."""

from __future__ import annotations

import asyncio
from itertools import count

from aiohttp import web

NUMBERS = count(1)


async def take(request: web.Request) -> web.Response:
    """Take whatever is sent; the answer has what any of the vendors would say, with a new message's id."""
    await request.read()
    number = next(NUMBERS)
    slack = {"ok": True, "ts": f"1.{number}", "channel": {"id": "D1"}, "team_id": "T1"}
    feishu = {"code": 0, "tenant_access_token": "t", "expire": 7200, "data": {"message_id": f"om_{number}"}}
    dingtalk = {"accessToken": "t", "expireIn": 7200, "success": True}
    return web.json_response(slack | feishu | dingtalk | {"result": {"deliverResults": [{"success": True}]}})


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
