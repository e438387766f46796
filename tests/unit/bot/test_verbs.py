"""Every verb has a row in both tables, and can be used wherever people and programs use verbs, or says here why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import MISSING, fields, replace
from typing import Any, get_args

import pytest
import typer

from adapters.dingtalk.validate import ITEM_VERBS, PLAN_VERBS
from bot.api import ENDPOINTS
from bot.cards.plan import PlanCards
from bot.cards.refs import Ref
from bot.chat.dispatch import describe_outcome
from bot.chat.grammar import parse
from bot.chat.requests import make_command
from bot.cli import load_commands
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.verbs import ALIASES, WORDS, ChatVerb, target_of
from core import commands as c
from core.commands import Verb
from core.context import Context
from core.decide import decide
from core.decide.rights import may
from core.engine import Outcome
from core.errors import WrongStatus
from core.plan import Check, Plan, Run
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.verbs import VERBS, Argument, Target
from tests.worlds import PEOPLE, START, World, draft, stage, text_item, workflow_item

NOT_TYPED = {
    Verb.CREATE: "typed as `new`",
    Verb.EDIT: "takes a form or a file",
    Verb.FINISH: "`submit` finishes the planning too",
    Verb.DELETE: "a plan is not to vanish from a chat by a slip",
}
OTHER_ENDPOINTS = {
    Verb.CREATE: ("POST", "/plans"),
    Verb.EDIT: ("PATCH", "/plans/{id}"),
    Verb.DELETE: ("DELETE", "/plans/{id}"),
    Verb.REPLAY: ("POST", "/deliveries/{id}/replay"),
}
"""What follows the customs of REST, or takes more than a text."""
OTHER_COMMANDS = {
    Verb.CREATE: ("plan", "apply"),
    Verb.EDIT: ("plan", "apply"),
    Verb.REPLAY: ("deliveries", "replay"),
}
"""What takes a file, or deliveries."""
ANSWERED_OTHERWISE = {Verb.CREATE: "names the new plan", Verb.REPLAY: "counts the deliveries"}
MADE_ELSEWHERE = {Verb.CREATE: "holds a draft", Verb.EDIT: "holds a patch", Verb.REPLAY: "holds deliveries"}

MADE = [verb for verb, spec in VERBS.items() if spec.command]
TYPED_ARGUMENTS = {
    None: "",
    Argument.COMMENT: " [comment]",
    Argument.REASON: " REASON",
    Argument.OPTIONAL_REASON: " [reason]",
    Argument.REMARK: " [remark]",
    Argument.PERSON: " PERSON",
}
ZH, EN = Locale("zh_CN", "Asia/Shanghai"), Locale("en", "Asia/Shanghai")


def plan_in(world: World, status: PlanStatus) -> Plan:
    """A plan of Alice's with an approver, Bob, an item that failed, and one that is to do."""
    plan = world.create(draft(stage("bob"), items=[workflow_item("deploy"), text_item("notes")]))
    failed = world.item("deploy")
    items = {**plan.items, failed.id: replace(failed, status=ItemStatus.FAILED, run=Run("7", 1, RunStatus.FAILED))}
    check = Check(HookEvent.FINISH_PLANNING, START, START)
    return replace(plan, status=status, items=items, check=check, window_open=True)


def context_of(name: str, world: World) -> Context:
    return world.context(PEOPLE.actor(name, "api"))


def command_of(verb: Verb, plan: Plan) -> c.PersonCommand:
    text = "carol" if VERBS[verb].argument is Argument.PERSON else "why not"
    return make_command(verb, Ref(plan.id, plan.nonce, next(iter(plan.items))), text)


def test_every_verb_has_both_rows_and_every_command_a_verb() -> None:
    assert set(VERBS) == set(Verb)
    assert set(WORDS) == {*Verb, *ChatVerb}
    assert {kind.verb for kind in get_args(c.PersonCommand)} | {Verb.REPLAY} == set(Verb)
    assert set(Verb) - set(MADE) == MADE_ELSEWHERE.keys()


@pytest.mark.parametrize("verb", MADE)
def test_a_row_says_of_its_command_what_is_so(verb: Verb) -> None:
    kind: Any
    spec, kind = VERBS[verb], VERBS[verb].command
    assert kind in get_args(c.PersonCommand)
    assert kind.verb is verb
    assert (spec.target is Target.ITEM) == issubclass(kind, c.ItemCommand)
    required = {each.name: each.default is MISSING for each in fields(kind)}
    texts = required.keys() - {"plan_id", "nonce", "item_id", "form"}
    assert {name: required[name] for name in texts} == (
        {spec.argument.field: spec.argument.required} if spec.argument else {}
    )


@pytest.mark.parametrize("status", PlanStatus)
@pytest.mark.parametrize("verb", MADE)
def test_a_plan_accepts_a_verb_in_the_statuses_of_its_row_and_in_no_others(verb: Verb, status: PlanStatus) -> None:
    world = World()
    plan = plan_in(world, status)
    command = command_of(verb, plan)
    if status in VERBS[verb].statuses:
        actors = [context_of(name, world) for name in ("alice", "bob")]
        context = next(each for each in actors if may(plan, verb, each, next(iter(plan.items))))
        assert decide(plan, command, context).events
    else:
        with pytest.raises(WrongStatus):
            decide(plan, command, context_of("alice", world))


def test_every_verb_can_be_typed_in_chats() -> None:
    assert {verb for verb in Verb if verb not in ALIASES} == NOT_TYPED.keys()
    for verb, aliases in ALIASES.items():
        assert {parse(f"{word} 1 1").verb for word in (verb.value, *aliases)} == {verb}
    words = Counter(word for verb, aliases in ALIASES.items() for word in (verb.value, *aliases))
    assert [word for word, times in words.items() if times > 1] == []


def test_the_help_has_what_can_be_typed_as_it_is_typed() -> None:
    assert {verb for verb, words in WORDS.items() if words.usage} == set(ALIASES)
    for verb in ALIASES.keys() & set(MADE):
        item, text = " ITEM" * (target_of(verb) is Target.ITEM), TYPED_ARGUMENTS[VERBS[Verb(verb)].argument]
        assert WORDS[verb].usage.partition(":")[0] == f"{verb} N{item}{text}"
        assert ZH.text(WORDS[verb].usage).startswith(f"{ALIASES[verb][0]} ")


def test_every_verb_has_an_endpoint() -> None:
    served = {(each.method, each.path) for each in ENDPOINTS}
    paths = {Target.PLAN: "/plans/{id}", Target.ITEM: "/plans/{id}/items/{item}"}
    made = {verb: ("POST", f"{paths[spec.target]}/{verb}") for verb, spec in VERBS.items() if spec.target}
    assert {verb for verb in Verb if made.get(verb) not in served} == OTHER_ENDPOINTS.keys()
    assert set(OTHER_ENDPOINTS.values()) <= served


def test_every_verb_has_a_command() -> None:
    groups: Any = typer.main.get_command(load_commands()).commands  # type: ignore[attr-defined]
    assert {verb for verb in Verb if verb not in groups["plan"].commands} == OTHER_COMMANDS.keys()
    assert all(name in groups[group].commands for group, name in OTHER_COMMANDS.values())


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_is_called_something_in_both_languages(verb: Verb) -> None:
    assert label(verb)
    assert ZH.text(label(verb)) != EN.text(label(verb)) == label(verb)


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_is_answered_when_it_is_done(verb: Verb) -> None:
    done, of_item = WORDS[verb].done, VERBS[verb].target is Target.ITEM
    assert bool(done) != (of_item or verb in ANSWERED_OTHERWISE)
    assert not done or ZH.text(done) != EN.text(done)
    if verb in MADE:
        plan = plan_in(World(), PlanStatus.EXECUTING)
        zh, en = (describe_outcome(Outcome(plan), command_of(verb, plan), locale) for locale in (ZH, EN))
        assert en == ("“Deploy” is failed." if of_item else done) + " #1 is now: executing."
        assert ZH.text(done) in zh != en


@pytest.mark.parametrize("status", PlanStatus)
def test_the_template_of_dingtalk_has_every_button_of_the_cards(status: PlanStatus) -> None:
    plan = plan_in(World(), status)
    card = PlanCards(EN, PEOPLE, "http://fabu").plan(plan)
    rows = [row for section in card.sections for row in section.rows]
    assert {button.verb for button in card.buttons} <= set(PLAN_VERBS)
    assert {button.verb for row in rows for button in row.buttons} <= set(ITEM_VERBS)
    for button in card.buttons:
        assert status in VERBS[Verb(button.verb)].statuses


def test_buttons_ask_for_what_must_be_given() -> None:
    offered = {verb: VERBS[verb].argument for verb in (*PLAN_VERBS, *ITEM_VERBS)}
    asking = {verb for verb in offered if WORDS[verb].question}
    assert {verb for verb, argument in offered.items() if argument and argument.required} <= asking
    assert all(offered[verb] for verb in asking)
