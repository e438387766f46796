"""A DingTalk server between the simulator and a handler, over HTTP or Stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.common.adapter import FormHandler
from adapters.common.answering import ANSWER_WITHIN
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.connection import Pace
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.server import DingTalkServer
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.words import Words
from core.chat import Handler
from tests.adapters import changed, inbox_of
from tests.clock import SharedClock
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.dingtalk_platform import Console
from tests.waiting import until

Mode = Literal["http", "stream"]
SECRETS = {"card_secret": "card-secret", "token": Console.token, "aes_key": Console.aes_key}
WORDS = Words(outsider="只有组织成员可以使用", later="稍后回复", commands={"new": "新建", "approve": "批准"})


@dataclass(frozen=True)
class Served:
    """What a test has of a running server; `url` is where it listens in mode http."""

    server: DingTalkServer
    messenger: DingTalkMessenger
    url: str


@asynccontextmanager
async def serving(
    ding: DingTalkSimulator,
    settings: DingTalkSettings,
    handler: Handler,
    mode: Mode,
    secrets: Mapping[str, str] = SECRETS,
    form_changed: FormHandler | None = None,
    answer_within: float = ANSWER_WITHIN,
) -> AsyncIterator[Served]:
    """Run a server as the composition root does, and connect the simulator with it."""

    async def relay(request: web.Request) -> web.StreamResponse:
        return await server.paths[request.path](request)

    web_app = web.Application(client_max_size=64 * 1024)
    web_app.add_routes([web.post("/dingtalk/{kind}", relay)])
    async with TestServer(web_app) as http, aiohttp.ClientSession() as session:
        url = str(http.make_url("/")).rstrip("/")
        settings = changed(settings, mode=mode, **secrets)
        clock, inbox = SharedClock(ding), inbox_of(handler, form_changed)
        messenger = DingTalkMessenger(DingTalkClient(settings, session, clock, timedelta(seconds=1)), WORDS)
        server = DingTalkServer(settings, messenger, inbox, clock, url, answer_within, Pace(pause=0.01))
        await server.start()
        try:
            if mode == "stream":
                await ding.until(lambda: ding.gateway.sockets)
            else:
                ding.console = Console(f"{url}/dingtalk/robot", f"{url}/dingtalk/events")
                if settings.card_template_id and settings.card_secret:
                    await until(lambda: messenger.has_cards)
            yield Served(server, messenger, url)
        finally:
            await server.stop()
            await messenger.close()
