"""Fabu's Feishu side as a server on the loopback, with a bot that answers as told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from adapters.common.answering import ANSWER_WITHIN
from adapters.common.system import SystemClock
from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.server import FeishuServer
from adapters.feishu.settings import FeishuSettings
from core.chat import Handler
from tests.adapters import inbox_of
from tests.loopback import serve
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_platform import FeishuPlatform
from tests.unit.adapters.bot import Bot
from tests.waiting import PATIENCE


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
    client = FeishuClient(settings, SystemClock(), timeout=PATIENCE)
    inbox = inbox_of(handler, bot.form_changed if bot else None)
    server = FeishuServer(settings, client, Cards(), inbox, SystemClock(), answer_within)
    async with serve(server.paths) as url:
        await client.load()
        await server.start()
        try:
            if mode == "http":
                yield FeishuPlatform(feishu, f"{url}/feishu/events")
            else:
                await feishu.until(lambda: feishu.sockets.open)
                yield FeishuPlatform(feishu)
        finally:
            await server.stop()
