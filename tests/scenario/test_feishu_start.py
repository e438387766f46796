"""The Feishu SDK costs seconds and over 100 MiB: who does not use Feishu does not pay, and who does is not held up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.feishu import section_for
from tests.scenario.office import written_for
from tests.simulators.feishu import FeishuSimulator

SERVER = """
import asyncio, json, sys, threading
from aiohttp import ClientSession
from bot.app import serve_http, run_app
from config.settings import Settings

importing = set()

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "lark_oapi":
            importing.add(threading.current_thread() is threading.main_thread())

def loaded():
    return "lark_oapi" in sys.modules and not sys.modules["lark_oapi"].__spec__._initializing

async def main():
    settings = Settings.model_validate(json.loads(sys.argv[1]))
    async with run_app(settings) as app, serve_http(app, "127.0.0.1", 0) as url, ClientSession() as session:
        async with session.get(url + "/readyz") as response:
            told = {"ready": response.status, "waited": loaded()}
        answered = 0
        while settings.feishu.app_id and not loaded():
            async with session.get(url + "/healthz") as response:
                answered += response.status == 200
    halted = bool(importing) and answered < 10
    print(json.dumps(told | {"loaded": loaded(), "on_main_thread": list(importing), "halted": halted}))

sys.meta_path.insert(0, Watch())
asyncio.run(main())
"""


def served(written: dict[str, Any]) -> dict[str, Any]:
    """Let a process of its own serve one request, and return what it tells of itself."""
    done = subprocess.run(
        [sys.executable, "-c", SERVER, json.dumps(written)], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_without_feishu_its_sdk_is_not_loaded(tmp_path: Path) -> None:
    told = served(written_for(tmp_path, {}))
    assert told == {"ready": 200, "waited": False, "loaded": False, "on_main_thread": [], "halted": False}


@pytest.mark.parametrize("mode", ["http", "long_connection"])
def test_with_feishu_its_sdk_is_loaded_beside_the_event_loop(tmp_path: Path, mode: str) -> None:
    section = section_for(FeishuSimulator(), mode=mode, domain="http://127.0.0.1:9")
    told = served(written_for(tmp_path, {}, feishu=section))
    assert told == {"ready": 200, "waited": False, "loaded": True, "on_main_thread": [False], "halted": False}
