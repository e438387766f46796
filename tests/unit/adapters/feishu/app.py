"""Fabu's Feishu side as a server on the loopback, with a bot that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiohttp import web

from adapters.common.answering import ANSWER_WITHIN
from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from adapters.feishu.server import FeishuServer
from adapters.feishu.settings import FeishuSettings
from core.chat import Handler, Inbound, Reply
from tests.adapters import inbox_of
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_platform import FeishuPlatform


class Bot:
    """Records requests and answers as told."""

    def __init__(self) -> None:
        self.asked: list[Inbound] = []
        self.reply = Reply("ok")
        self.error: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.forms: list[str] = []

    async def __call__(self, inbound: Inbound) -> Reply:
        self.asked.append(inbound)
        await self.hold.wait()
        if self.error:
            raise self.error
        return self.reply

    async def form_changed(self, form: str) -> None:
        self.forms.append(form)


def section_of(feishu: FeishuSimulator, **changes: Any) -> FeishuSettings:
    """Return the settings of the simulator's app."""
    return FeishuSettings(
        **{
            "app_id": feishu.app_id,
            "app_secret": feishu.app_secret,
            "verification_token": feishu.verification_token,
            "encrypt_key": feishu.encrypt_key,
            "domain": feishu.url,
            **changes,
        }
    )


@asynccontextmanager
async def listening(
    feishu: FeishuSimulator,
    handler: Handler,
    mode: Literal["http", "long_connection"] = "http",
    bot: Bot | None = None,
    answer_within: float = ANSWER_WITHIN,
) -> AsyncIterator[FeishuPlatform]:
    """Give the platform that can reach the server; on leaving, everything that was begun is done."""
    settings = section_of(feishu, mode=mode)
    client = FeishuClient(settings, SystemClock(), timeout=5)
    inbox = inbox_of(handler, bot.form_changed if bot else None)
    server = FeishuServer(settings, client, inbox, SystemClock(), answer_within)
    site = web.Application()
    site.add_routes([web.post(path, answer) for path, answer in server.paths.items()])
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await client.load()
    await server.start()
    try:
        if mode == "http":
            yield FeishuPlatform(feishu, f"http://127.0.0.1:{runner.addresses[0][1]}/feishu/events")
        else:
            await feishu.until(lambda: feishu.sockets.open)
            yield FeishuPlatform(feishu)
    finally:
        await server.stop()
        await runner.cleanup()
