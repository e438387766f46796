"""Fabu as it runs, with one chat: `python -m tests.benchmarks.fabu_server KIND SINK FOLDER PLANS ITEMS STORED`.

It prepares plans that wait for the vote that decides on them, so many with items of that number, beside so many others
that are only stored. When all their cards are posted to the sink it prints its port, its process, and what the buttons
of the plans carry.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.app import run_app, serve_http, tune_garbage_collection
from bot.cards.refs import Ref, View
from bot.services import SERVICES, Services
from config.settings import Settings
from core import commands as c
from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft
from tests.benchmarks.multiplying import database_in, end_deliveries, multiply_items, multiply_plans
from tests.benchmarks.requests import SECRET

_AT_ONCE = 200


def settings_for(kind: str, sink: str, folder: Path) -> Settings:
    """Return settings with one chat on, whose vendor is the sink, and SQLite in a folder."""
    sections: dict[str, dict[str, Any]] = {
        "slack": {
            "bot_token": "xoxb-x", "signing_secret": SECRET, "api_url": f"{sink}/api/", "channel": "C1",
            "response_hosts": ["127.0.0.1"],
        },
        "feishu": {
            "app_id": "cli_1", "app_secret": SECRET, "verification_token": SECRET, "encrypt_key": SECRET,
            "domain": sink, "chat_id": "oc_1",
        },
        "dingtalk": {
            "client_id": "c", "client_secret": SECRET, "robot_code": "r", "card_template_id": "t", "mode": "http",
            "card_secret": SECRET, "api_url": sink, "oapi_url": sink, "conversation_id": "cid1",
        },
    }  # fmt: skip
    people = [
        {"id": person, "slack": f"U{person}", "feishu": f"ou_{person}", "dingtalk": f"dt_{person}"}
        for person in ("alice", "bob", "carol")
    ]
    hooks = {"url": f"{sink}/hook", "events": ["finish_planning"], "allow_internal": ["127.0.0.0/8"]}
    return Settings.model_validate(
        {
            "server": {"language": "en"},
            "database": {"url": database_in(folder)},
            "people": people,
            **({"slack": sections["slack"], "hooks": hooks} if kind == "hooks" else {kind: sections[kind]}),
        }
    )


async def waiting(services: Services, kind: str, count: int) -> list[str]:
    """Make plans that wait for an approval, or for a callback, and return what their requests refer to."""
    content = PlanDraft(
        name="Release",
        approval=ApprovalDraft(stages=(StageDraft(name="QA", approvers=("bob",)),)),
        items=(TextItemDraft(type="text", key="k", name="Check the dashboards"),),
    )
    alice = services.engine.directory.actor("alice", "api")

    async def one() -> str:
        plan_id = services.ids.new()
        await services.engine.execute(c.Create(plan_id=plan_id, draft=content), alice)
        ask = c.Submit if kind != "hooks" else c.Finish
        plan = (await services.engine.execute(ask(plan_id=plan_id), alice)).plan
        if kind == "hooks":
            return f"{plan.id}.{plan.instance_code}"
        return str(replace(Ref.parse(plan.ref), view=View.APPROVAL))  # as the buttons of an approval card have it

    refs: list[str] = []
    while len(refs) < count:
        refs += await asyncio.gather(*(one() for _ in range(min(_AT_ONCE, count - len(refs)))))
    return refs


async def settled(services: Services, database: str) -> None:
    """Leave nothing to be delivered."""
    while True:
        counts = await services.store.read(lambda reading: reading.deliveries.counts())
        if not counts.get("pending", 0) + counts.get("sending", 0):
            return
        end_deliveries(database)
        await asyncio.sleep(0.5)


async def main(kind: str, sink: str, folder: Path, numbers: Sequence[int]) -> None:
    """Serve until the process is ended."""
    plans, items, stored = numbers
    settings = settings_for(kind, sink, folder)
    async with run_app(settings) as app, serve_http(app, "127.0.0.1", 0) as url:
        tune_garbage_collection()
        services = app[SERVICES]
        refs = await waiting(services, kind, plans)
        await settled(services, settings.database.url)
        multiply_items(settings.database.url, items)
        multiply_plans(settings.database.url, stored)
        print(json.dumps({"port": int(url.rpartition(":")[2]), "pid": os.getpid(), "refs": refs}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), [int(number) for number in sys.argv[4:]]))
