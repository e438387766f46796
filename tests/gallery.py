"""A gallery of cards as the chats get them, in tests/fixtures/cards: `python -m tests.gallery` writes it anew.

It has the approval card, the card of a plan under way and the digest, of plans of 1, 12, 60 and 300 items and of the
example of the release-plan document. A test compares it, so that every change of a card is seen in its commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from adapters.dingtalk.render import render_variables
from adapters.feishu.render import render_card
from adapters.slack.render import render_message
from bot.cards.digest import DigestCards, sort_entries
from bot.cards.plan import PlanCards
from bot.i18n import Locale
from core import commands as c
from core.card import Card
from core.differences import differences
from core.draft import PlanDraft, PlanPatch
from core.plan import Plan
from core.revisions import Comparison, Since
from core.status import RunStatus
from tests.fixtures import hook_example
from tests.worlds import PEOPLE, World, draft, stage, text_item, workflow_item

FOLDER: Final = Path(__file__).parent / "fixtures" / "cards"
SIZES: Final = (1, 12, 60, 300)
URL: Final = "https://fabu.example.com"
RENDERERS: Final[Mapping[str, Callable[[Card], Any]]] = {
    "slack": render_message,
    "feishu": render_card,
    "dingtalk": render_variables,
}
LOCALES: Final = {"slack": Locale("en", "Europe/Berlin"), "feishu": Locale("zh_CN", "Asia/Shanghai")}
"""The reader's language in each chat; in DingTalk it is that of Feishu."""
SCRIPT: Final = (
    "#!/bin/bash\nset -euo pipefail\n# 备份购物车\nmysqldump shop_main cart > cart.sql\ngzip -k cart.sql\nls -l\n"
)
SQL: Final = "ALTER TABLE orders ADD COLUMN coupon_id BIGINT NULL;\nDELETE FROM cart;\n"


def items_of(size: int, *, version: str = "2.4.0") -> list[dict[str, Any]]:
    """Return items as a release has them: steps by hand, a script, a statement that is a risk, and deployments."""
    script = {"name": "backup", "type": "freestyle", "spec": {"script": SCRIPT}}
    statement = {"name": "clean", "type": "sql", "spec": {"id": "shop_main", "sql": SQL}}
    kinds: list[dict[str, Any]] = [
        text_item("support", name="通知客服", content="<p>在客服群说明：下单可能变慢</p>", assignee="erin"),
        workflow_item("backup", name="Back up carts", workflow=_workflow("backup", script)),
        workflow_item("clean", name="清理过期购物车", needs=["backup"], workflow=_workflow("clean", statement)),
    ]
    for number in range(len(kinds) + 1, size + 1):
        service = {
            "service_name": f"api-{number}",
            "modules": [{"service_module": "app", "image": f"shop/app:{version}"}],
        }
        deploy = {
            "name": "deploy",
            "type": "zadig-deploy",
            "spec": {"env": "prod", "production": True, "services": [service]},
        }
        item = workflow_item(f"deploy{number}", name=f"部署 api-{number}", assignee="erin" if number % 7 == 0 else "")
        kinds.append({**item, "workflow": _workflow("deploy", deploy)})
    return kinds[:size]


def items_of_example(*, version: str = "2.4.0") -> list[dict[str, Any]]:
    """Return a step by hand, and the workflow of the document's example with a parameter more."""
    [job, *_] = hook_example()["release_plan"]["jobs"]
    params = [{"name": "VERSION", "type": "string", "value": version}]
    workflow = {**job["spec"]["workflow"], "params": [*job["spec"]["workflow"].get("params", ()), *params]}
    return [*items_of(1), workflow_item("backup", name=job["name"], workflow=workflow)]


PLANS: Final[Mapping[str, Callable[..., list[dict[str, Any]]]]] = {
    **{str(size): partial(items_of, size) for size in SIZES},
    "example": items_of_example,
}
"""What makes the items of each plan of the gallery, for a version."""


def plans(kind: str) -> Iterator[tuple[str, Plan, Since | None]]:
    """Yield a plan in the states of which there are cards, with what has changed since its reader saw it."""
    before = draft(stage("bob", name="SRE"), items=PLANS[kind](), name="商城 2.4.0 发布")
    items = draft(items=PLANS[kind](version="2.4.1")).items
    after = before.model_copy(update={"name": "商城 2.4.1 发布", "items": items})
    world = World()
    world.create(before)
    world.do(c.Submit)
    yield "approval-first", world.plan, None
    world.do(c.Reject, "bob", reason="先备份，再清理")
    world.do(c.Replan)
    world.do(c.Edit, patch=PlanPatch(name=after.name, items=after.items))
    world.do(c.Submit)
    yield "approval-changed", world.plan, Since(_compare(before, after), "先备份，再清理")
    world.do(c.Approve, "bob", comment="可以发布")
    yield "approval-decided", world.plan, None
    if len(items) > 1:
        world.on_item(c.Execute, "support", remark="已通知")
        world.on_item(c.Execute, "backup")
        world.report("backup", RunStatus.FAILED)
    yield "executing", world.plan, None


def cards(kind: str, locale: Locale) -> Iterator[tuple[str, Card]]:
    """Yield the cards of a plan of the gallery with their names."""
    for name, plan, since in plans(kind):
        make = PlanCards(locale, PEOPLE, URL, "" if name == "executing" else "bob")
        yield f"{name}-{kind}", make.plan(plan) if name == "executing" else make.approval(plan, since)
        if name == "executing":
            entries = sort_entries(((plan, item) for item in plan.items_in_order if item.assignee == "erin"), PEOPLE)
            yield f"digest-{kind}", DigestCards(locale, PEOPLE, URL).digest(entries)
        if name == "approval-changed":
            yield f"approval-replaced-{kind}", make.replaced(plan, 1)


def payloads() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of the gallery."""
    for vendor, render in RENDERERS.items():
        for kind in PLANS:
            for name, card in cards(kind, LOCALES.get(vendor, LOCALES["feishu"])):
                yield f"{vendor}.{name}.json", json.dumps(render(card), ensure_ascii=False, indent=1) + "\n"


def _workflow(name: str, job: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "stages": [{"name": "main", "jobs": [job]}]}


def _compare(before: PlanDraft, after: PlanDraft) -> Comparison:
    old, new = (each.model_dump(mode="json") for each in (before, after))
    return Comparison(2, 1, old, new, tuple(differences(old, new)))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.json"):
        file.unlink()
    for name, text in payloads():
        (FOLDER / name).write_text(text, encoding="utf-8")
