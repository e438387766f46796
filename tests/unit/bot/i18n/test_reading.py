"""What a Chinese reader and an English reader are shown: cards in every status, the log, the help, errors, forms."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum

import pytest

from bot.cards.digest import sort_entries
from bot.cards.lists import ListCards
from bot.cards.plan import PlanCards
from bot.cards.refs import Ref
from bot.cards.sentences import SENTENCES
from bot.chat.dispatch import describe_outcome
from bot.chat.requests import make_command, new_plan_form
from bot.i18n import Locale
from core import commands as c
from core.audit import LogEntry
from core.card import Card, Code
from core.commands import Verb
from core.draft import PlanDraft, PlanPatch
from core.effects import Destination, DestinationKind, Effect, Sync
from core.engine import Outcome
from core.errors import DeliveryError, Invalid, NotFound, Thing
from core.messages import Message
from core.people import Directory, Group, Person
from core.plan import Channel, Check, Content, Decision, Plan, Run, Vote
from core.ports.outbox import Delivery, DeliveryState
from core.ports.plans import Mine
from core.status import FAILED_CHECK, HookEvent, ItemStatus, PlanStatus, RunStatus
from core.validate import problems_at_finish
from core.verbs import VERBS
from tests.unit.bot.i18n.families import error_classes
from tests.worlds import START, World, draft, stage, text_item, workflow_item

PEOPLE = Directory(
    {name: Person(name, title) for name, title in (("alice", "爱丽丝"), ("bob", "鲍勃"), ("carol", "卡罗尔"))},
    {"sre": Group("sre", ("carol",))},
)
NAMES = re.compile(
    r"`[^`]*`|• [a-z_.0-9\[\]]+: |https?://\S+|Asia/Shanghai|@sre|发布部署|"
    r"\b(?:alice|bob|carol|Code|DingTalk|Fabu|Feishu|Hook|JSON|KB|MB|SRE|Slack|UTF-8|Zadig|deploy|ID|local|ls|done|run)\b"
)
"""Names, commands, addresses and units, which are the same in every language."""
ENGLISH = re.compile(r"[A-Za-z]{2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ZH, EN = Locale("zh_CN", "Asia/Shanghai"), Locale("en", "Asia/Shanghai")
SILENT = frozenset({"verb", "ref", "name", "style", "tone", "mark", "url", "language", "show", "folded"})
"""Fields that nobody reads."""
ENDS = {status: ItemStatus.RUNNING for status in RunStatus if not status.ended} | {RunStatus.PASSED: ItemStatus.DONE}
EVENTS = [event for event in SENTENCES if event != "refused"]


def texts(shown: object) -> Iterator[str]:
    """Every text of a card, a form or a part of them that people read."""
    if isinstance(shown, Code):
        return  # to the letter in every language
    if isinstance(shown, str) and not isinstance(shown, Enum):
        yield shown
    elif isinstance(shown, tuple):
        for each in shown:
            yield from texts(each)
    elif is_dataclass(shown):
        for field in fields(shown):
            if field.name not in SILENT:
                yield from texts(getattr(shown, field.name))


def english_in(shown: object) -> list[str]:
    return [text for text in texts(shown) if ENGLISH.search(NAMES.sub("", text))]


def plan_in(status: PlanStatus, name: str = "支付") -> Plan:
    """A plan with items in every status and one vote; what people wrote in it is `name`."""
    world = World()
    items = [
        text_item("a", name=name, content=name, assignee="bob"),
        text_item("b", name=name, content=name, needs=["a"]),
        *(workflow_item(f"w{status}", name=name) for status in RunStatus),
    ]
    stages = (stage("bob", name=name), stage("@sre", name=name, rule="any"), stage("bob", "carol", name=name, rule=1))
    plan = world.create(draft(*stages, items=items, name=name))
    listed = list(plan.items.values())
    reports = [
        replace(
            item,
            status=ENDS.get(status, ItemStatus.FAILED),
            run=Run("7", 2, status, message=Message("the start was interrupted")),
            workflow=name,
            executed_by="system",
            spec=None,
        )
        for item, status in zip(listed[2:], RunStatus, strict=True)
    ]
    return replace(
        plan,
        status=status,
        items={item.id: item for item in (*listed[:2], *reports)},
        votes=(Vote(0, "bob", Decision.APPROVE, name, START, "carol"),),
        approval=replace(plan.approval, current=1),
        check=Check(HookEvent.FINISH_PLANNING, START, START),
        reason=Message("timeout") if status in FAILED_CHECK.values() else Message.verbatim(name),
        content=Content(name, ({"sprint_name": name},)),
        window=replace(plan.window, start=START),
        window_open=True,
        schedule_at=START,
    )


def cards(plan: Plan, locale: Locale) -> Iterator[Card]:
    one, several = PlanCards(locale, PEOPLE, "http://fabu"), ListCards(locale, PEOPLE, "http://fabu")
    yield one.plan(plan)
    yield one.plan(replace(plan, window_open=False))
    yield one.plan(replace(plan, created_by="gate:zadig"))
    yield one.approval(plan)
    yield one.replaced(plan, 1)
    for item in plan.items:
        yield one.notice(plan, item)
    entries_of = sort_entries(((plan, item) for item in plan.items.values()), PEOPLE)
    yield several.digests.digest(entries_of)
    yield several.digests.digest(sort_entries(((replace(plan, window_open=False), e.item) for e in entries_of), PEOPLE))
    yield several.digests.digest([])
    yield several.digests.moved()
    yield several.plans([plan], locale.text("Release plans"))
    yield several.plans([], locale.text("Release plans"))
    yield several.mine(Mine([plan], [plan], [(plan, item) for item in plan.items.values()]))
    yield several.mine(Mine([], [], []))
    lost = Effect("7", plan.id, Destination(DestinationKind.CHAT, "7"), Sync())
    yield several.deliveries([Delivery(lost, DeliveryState.DEAD)], {plan.id: 7})
    yield several.deliveries([], {})
    yield several.help()
    yield several.log(plan, list(entries(plan)))


def entries(plan: Plan) -> Iterator[LogEntry]:
    """An entry of every kind, by a person, the system and an outside system."""
    details = {
        "changed": list(PlanDraft.model_fields), "chat": "feishu", "check": {"event": "finish_planning"},
        "decision": "approve", "delegate": "carol", "endpoint": "7", "event": "all_job_done", "form": "7",
        "item_id": next(iter(plan.items)), "person": "bob", "progress": "支付", "recipients": ["bob"], "stage": 0,
        "started": ["支付"], "status": "running", "to": "carol",
    }  # fmt: skip
    expired = Message("timeout").to_json()
    for event in EVENTS:
        for actor, kind in (("bob", "person"), ("system", "system"), ("external", "external"), ("gate:zadig", "gate")):
            said = {} if kind == "person" else {"reason": "timeout", "messages": {"reason": expired}}
            yield LogEntry("p", 1, START, actor, kind, "web", event, details | said)
    for verb in Verb:
        yield LogEntry("p", 1, START, "bob", "person", "web", "refused", {"verb": verb.value})


def errors(locale: Locale, name: str) -> Iterator[str]:
    """What every error tells; what other people or systems wrote in it is `name`."""
    values = {
        "verb": Verb.EDIT, "status": PlanStatus.EXECUTING, "decision": Decision.APPROVE, "platform": Channel.FEISHU,
        "start": START, "end": None, "problems": name, "result": "success",
    }  # fmt: skip
    for kind in error_classes():
        names = [field for _, field, _, _ in string.Formatter().parse(kind.message) if field]
        yield locale.text(kind.message, **{field: values.get(field, name) for field in names})
    for what in Thing:
        yield locale.error(NotFound(what, 7))
    yield locale.error(DeliveryError("Zadig", Message("it is busy"), retryable=True))
    world = World()
    plan = draft(stage("7"), manager="7", items=[], window={"start": START, "end": START})
    yield locale.error(Invalid(*problems_at_finish(plan, world.context(PEOPLE.actor("bob", "api")))))


def replies(plan: Plan, locale: Locale) -> Iterator[str]:
    """What a command is answered with."""
    ref = Ref("p", item_id=next(iter(plan.items)))
    commands = (
        c.Create(plan_id="p", draft=draft()), c.Edit(plan_id="p", patch=PlanPatch()),
        *(make_command(verb, ref, "") for verb, spec in VERBS.items() if spec.command),
    )  # fmt: skip
    for command in commands:
        yield describe_outcome(Outcome(plan), command, locale)
        yield describe_outcome(Outcome(plan, repeated=True), command, locale)


@pytest.mark.parametrize("status", PlanStatus)
def test_cards_and_replies_are_wholly_chinese(status: PlanStatus) -> None:
    plan = plan_in(status)
    assert [english_in(card) for card in cards(plan, ZH) if english_in(card)] == []
    assert english_in(tuple(replies(plan, ZH))) == []


@pytest.mark.parametrize("status", PlanStatus)
def test_cards_and_replies_are_wholly_english(status: PlanStatus) -> None:
    plan = plan_in(status, "7")
    shown = [text for card in cards(plan, EN) if card.title != "Commands" for text in texts(card)]
    assert len(shown) > 100
    names = re.compile("爱丽丝|鲍勃|卡罗尔|支付")
    assert [text for text in (*shown, *replies(plan, EN)) if CHINESE.search(names.sub("", text))] == []


def test_errors_are_wholly_chinese() -> None:
    found = tuple(errors(ZH, "支付"))
    assert len(found) > 35
    assert english_in(found) == []


def test_errors_are_wholly_english() -> None:
    assert [text for text in errors(EN, "7") if CHINESE.search(text)] == []


def test_the_form_of_a_new_plan_is_chinese() -> None:
    assert english_in(new_plan_form(ZH)) == []
