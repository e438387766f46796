"""From a request of any chat to its reply: who asks, what is asked, the engine's answer in the asker's language."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import assert_never

from bot.cards.lists import ListCards
from bot.cards.plan import PlanCards
from bot.chat.grammar import Typed, parse
from bot.chat.redelivery import Redelivery
from bot.chat.requests import Ref, command_for, draft_from_form, field_of, new_plan_form
from bot.i18n import Locale
from bot.i18n.labels import N_, label
from bot.people.identities import OWN_PLATFORMS, Identities
from bot.people.sign_in_links import REQUESTED_LIFE, SignInLinks
from bot.verbs import WORDS, ChatVerb, word_for
from core import commands as c
from core.card import Card, Form, Tone
from core.chat import Inbound, Reply
from core.commands import Verb
from core.context import Context
from core.decide.rights import may
from core.draft import PlanDraft
from core.engine import Engine, Outcome
from core.errors import FabuError, Invalid, NotFound, OutdatedCard, Problem, Unavailable, UnknownPerson
from core.messages import Message
from core.people import Person
from core.plan import Item
from core.ports.clock import Clock, Ids
from core.ports.plans import PlanQuery
from core.ports.store import Store
from core.status import PlanStatus
from core.verbs import VERBS, Argument, Target

_ASKING = frozenset(verb for verb, words in WORDS.items() if words.question)
"""Verbs whose buttons may ask for a text. Chats with dialogs let it be asked for after the click."""
_MISSING = {
    "plan": N_("the number of the plan"),
    "item": N_("the item: its position, key or name"),
    "delivery": N_("the id of the delivery, the number of the plan, or a time"),
}


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request with the person who makes it."""

    inbound: Inbound
    person: Person
    locale: Locale

    @property
    def key(self) -> str:
        return f"{self.inbound.platform}:{self.inbound.key}"


class Dispatch:
    """Answers the requests of all chats. Calling it never raises a FabuError: the reply tells it."""

    def __init__(
        self, engine: Engine, store: Store, identities: Identities, clock: Clock, ids: Ids,
        *, locale: Locale, public_url: str,
    ) -> None:  # fmt: skip
        self._engine, self._store, self._identities, self._ids = engine, store, identities, ids
        self._locale, self._public_url, self._redelivery = locale, public_url, Redelivery(store, engine)
        self._links = SignInLinks(store, clock, ids, public_url)

    async def __call__(self, inbound: Inbound) -> Reply:
        """Return the reply to a proven request."""
        locale = self._locale
        try:
            person = await self._identities.person(inbound.platform, inbound.user)
            locale = Locale.of(person, locale.language, locale.timezone)
            if inbound.language:
                locale = Locale(inbound.language, locale.timezone)
            asking = _Asking(inbound, person, locale)
            return await (self._clicked(asking) if inbound.verb else self._typed(asking))
        except Invalid as error:
            errors = {field_of(problem): locale.text(problem.message, **problem.params) for problem in error.problems}
            return Reply(locale.error(error), Tone.BAD, errors=errors)
        except FabuError as error:
            card = await self._current(inbound, locale) if isinstance(error, OutdatedCard) else None
            return Reply(locale.error(error), Tone.BAD, card)

    async def _clicked(self, asking: _Asking) -> Reply:
        inbound = asking.inbound
        if inbound.verb == "home":
            return Reply(card=await self._mine(asking))
        if inbound.verb == ChatVerb.NEW:
            return await self._create(asking, draft_from_form(inbound.values, asking.locale))
        ref = Ref.parse(inbound.ref)
        if inbound.verb == ChatVerb.SHOW:
            return Reply(card=await self._plan_card(ref.plan_id, asking.locale))
        if "text" not in inbound.values and inbound.verb in _ASKING and (form := await self._form(asking, ref)):
            return Reply(form=form)
        command = command_for(inbound.verb, ref, inbound.values.get("text", ""))
        outcome = await self._execute(asking, command)
        return Reply(describe_outcome(outcome, command, asking.locale), Tone.GOOD)

    async def _form(self, asking: _Asking, ref: Ref) -> Form | None:
        """Return the form that a click opens; None where there is none, or the engine is going to refuse the click."""
        plan = await self._store.read(lambda reading: reading.plans.get(ref.plan_id))
        if not may(plan, Verb(asking.inbound.verb), self._context(asking), ref.item_id):
            return None
        return self._cards(asking.locale).form(plan, asking.inbound.verb, asking.inbound.ref)

    def _context(self, asking: _Asking) -> Context:
        return self._engine.context(self._engine.directory.actor(asking.person.id, asking.inbound.platform))

    async def _execute(self, asking: _Asking, command: c.PersonCommand) -> Outcome:
        return await self._engine.execute(command, self._context(asking).actor, asking.key)

    async def _typed(self, asking: _Asking) -> Reply:
        typed = parse(asking.inbound.text)
        text = asking.locale.text
        if typed.verb is None:
            hint = (
                text("Did you mean `{command}`?", command=typed.meant)
                if typed.meant
                else text("`help` lists the commands.")
            )
            return Reply(text("“{word}” is not a command. {hint}", word=typed.rest[:40], hint=hint), Tone.BAD)
        if typed.missing:
            verb, what = word_for(typed.verb, asking.locale.language), text(_MISSING[typed.missing])
            return Reply(text("`{verb}` needs {what}. `help` shows how it is written.", verb=verb, what=what), Tone.BAD)
        match typed.verb:
            case Verb.REPLAY:
                actor = self._context(asking).actor
                done = await self._redelivery.replay(typed.rest, actor, asking.key, asking.locale)
                return Reply(done, Tone.GOOD)
            case Verb() as verb:
                return await self._act(asking, verb, typed)
            case ChatVerb() as verb:
                return await self._answer(asking, verb, typed)
            case _:
                assert_never(typed.verb)

    async def _answer(self, asking: _Asking, verb: ChatVerb, typed: Typed) -> Reply:
        """Answer what changes no plan, or starts one."""
        cards = self._lists(asking.locale)
        match verb:
            case ChatVerb.LIST if typed.rest in ("mine", "我的"):
                return Reply(card=await self._mine(asking))
            case ChatVerb.LIST:
                return Reply(card=await self._list(asking, typed.rest))
            case ChatVerb.SHOW:
                return Reply(card=await self._plan_card(await self._plan_id(typed), asking.locale))
            case ChatVerb.LOG:
                plan_id = await self._plan_id(typed)
                plan, entries = await self._store.read(
                    lambda r: (r.plans.get(plan_id), r.log.of_plan(plan_id, limit=100_000))
                )
                return Reply(card=cards.log(plan, entries))
            case ChatVerb.NEW if typed.rest:
                return await self._create(asking, draft_from_form({"name": typed.rest}, asking.locale))
            case ChatVerb.NEW:
                return Reply(form=new_plan_form(asking.locale))
            case ChatVerb.WEB:
                return await self._sign_in_link(asking)
            case ChatVerb.DELIVERIES:
                return Reply(card=await self._redelivery.shown(typed.rest, cards))
            case ChatVerb.HELP:
                return Reply(card=cards.help())
            case _:
                assert_never(verb)

    async def _act(self, asking: _Asking, verb: Verb, typed: Typed) -> Reply:
        """Execute the command that was typed about a plan or an item."""
        plan_id, rest, spec = await self._plan_id(typed), typed.rest, VERBS[verb]
        ref = Ref(plan_id)
        if spec.target is Target.ITEM:
            items = await self._store.read(lambda reading: reading.plans.find_items(plan_id, typed.item))
            ref = replace(ref, item_id=_one(items, typed.item).id)
        if spec.argument is Argument.PERSON:
            rest = await self._meant(asking, rest)
        return await self._done(asking, command_for(verb, ref, rest))

    async def _plan_id(self, typed: Typed) -> str:
        return await self._store.read(lambda reading: reading.plans.id_of(typed.plan))

    async def _meant(self, asking: _Asking, name: str) -> str:
        """Return the id of the person that a name or a mention of a chat user stands for; else the name as it is."""
        if name.startswith("@") and name[1:] not in self._engine.directory.people:
            with suppress(UnknownPerson):
                return (await self._identities.person(asking.inbound.platform, name[1:])).id
        return name

    async def _create(self, asking: _Asking, draft: PlanDraft) -> Reply:
        return await self._done(asking, c.Create(plan_id=self._ids.new(), draft=draft))

    async def _done(self, asking: _Asking, command: c.PersonCommand) -> Reply:
        """Execute a command and say what came of it, beside the plan as it is now."""
        outcome = await self._execute(asking, command)
        card = await self._plan_card(outcome.plan.id, asking.locale)
        return Reply(describe_outcome(outcome, command, asking.locale), Tone.GOOD, card)

    async def _list(self, asking: _Asking, status: str) -> Card:
        text = asking.locale.text
        names = {text(label(each)): each.value for each in PlanStatus}
        wanted = names.get(status, status)
        if wanted and wanted not in set(PlanStatus):
            raise Invalid(
                Problem(
                    "status",
                    "there is no status {status}; use one of: {known}",
                    {"status": status, "known": ", ".join(names)},
                )
            )
        page = await self._store.read(lambda reading: reading.plans.page(PlanQuery(status=wanted)))
        return self._lists(asking.locale).plans(page.items, text("Release plans"))

    async def _mine(self, asking: _Asking) -> Card:
        person = asking.person.id
        groups = self._engine.directory.groups.values()
        names = {person, *(f"@{group.id}" for group in groups if person in group.members)}
        mine = await self._store.read(lambda reading: reading.plans.mine(person, names))
        return self._lists(asking.locale).mine(mine)

    async def _sign_in_link(self, asking: _Asking) -> Reply:
        """Give a link that signs in whoever opens it first: never where others read, and once for one request."""
        if not asking.inbound.private and asking.inbound.platform not in OWN_PLATFORMS:
            return Reply(
                asking.locale.text("Others would see the link here. Ask for it in a direct message."), Tone.BAD
            )
        url = await self._links.make(asking.person.id, REQUESTED_LIFE, _digest(asking.key)[:32])
        return Reply(asking.locale.text("Open this link within ten minutes; it works once: {url}", url=url))

    async def _current(self, inbound: Inbound, locale: Locale) -> Card | None:
        try:
            return await self._plan_card(Ref.parse(inbound.ref).plan_id, locale)
        except (NotFound, Unavailable):
            return None

    async def _plan_card(self, plan_id: str, locale: Locale) -> Card:
        plan = await self._store.read(lambda reading: reading.plans.get(plan_id, whole=True))
        return self._cards(locale).plan(plan)

    def _cards(self, locale: Locale) -> PlanCards:
        return PlanCards(locale, self._engine.directory, self._public_url)

    def _lists(self, locale: Locale) -> ListCards:
        return ListCards(locale, self._engine.directory, self._public_url)


def describe_outcome(outcome: Outcome, command: c.PersonCommand, locale: Locale) -> str:
    """Return the sentence that tells a person what came of a command."""
    plan, text = outcome.plan, locale.text
    if outcome.repeated:
        return text("That was done already. #{number} is now: {status}.", number=plan.number, status=plan.status)
    match command:
        case c.Create():
            return text("Plan #{number} “{name}” is started.", number=plan.number, name=plan.name)
        case c.Approve() if plan.status is PlanStatus.WAIT_FOR_APPROVAL:
            stage = plan.approval.stage.name if plan.approval.stage else ""
            return text("Your approval counts. #{number} now waits for stage {stage}.", number=plan.number, stage=stage)
        case c.ItemCommand():
            item = plan.items[command.item_id]
            return text(
                "“{item}” is {status}. #{number} is now: {plan}.",
                item=item.name,
                status=item.status,
                number=plan.number,
                plan=plan.status,
            )
        case _:
            done = text(WORDS[command.verb].done)
            return text("{done} #{number} is now: {status}.", done=done, number=plan.number, status=plan.status)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _one(items: list[Item], text: str) -> Item:
    """Return the one item that is meant. Raises NotFound or Invalid with the candidates."""
    if not items:
        raise NotFound(Message("This plan has no item {ref}. `show` lists its items.", {"ref": text}))
    if len(items) > 1:
        names = ", ".join(f"{item.position}. {item.name}" for item in items[:5])
        raise Invalid(Problem("item", "several items fit: {names}; write the position", {"names": names}))
    return items[0]
