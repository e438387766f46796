"""The check-up of hooks."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from adapters.hooks.doctor import examine
from adapters.hooks.settings import HooksSettings
from tests.adapters import wrong


async def test_hook_endpoints() -> None:
    async with TestServer(web.Application()) as server:
        url = str(server.make_url("/hook"))
        blocked = f"{server.host} is an internal address; to allow it, add its network to hooks.allow_internal"
        assert wrong(await examine(HooksSettings(url=url))) == [
            f"hook endpoint default: {url} is not reached ({blocked})"
        ]
        allowed = HooksSettings(url=url, secret=SecretStr("whsec_c2VjcmV0"), allow_internal=("127.0.0.0/8",))
        assert wrong(await examine(allowed)) == []
