"""The dispatcher: it finds the person of a request, executes the command, and replies in the person's language."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import assert_never

from bot.cards.buttons import page_of
from bot.cards.naming import title_of_item
from bot.cards.refs import Ref, View
from bot.chat.answered import AnsweredMessages
from bot.chat.grammar import TypedCommand, parse
from bot.chat.looking import Looking, split_page
from bot.chat.naming import find_person_id
from bot.chat.redelivery import Redelivery
from bot.chat.requests import draft_from_form, find_field, make_command, new_plan_form
from bot.i18n import Locale
from bot.i18n.labels import N_
from bot.people.card_links import CardLinks
from bot.people.identities import OWN_PLATFORMS, Identities
from bot.people.sign_in_links import SignInLinks
from bot.verbs import WORDS, ChatVerb, word_for
from core import commands as c
from core.card import SAY, Card, Form, Tone
from core.chat import Inbound, Reply
from core.commands import Verb
from core.context import Context
from core.decide.rights import check_allowed, may
from core.draft import PlanDraft
from core.engine import Engine, Outcome
from core.errors import (
    ConfirmedOnPage,
    Conflict,
    FabuError,
    Gone,
    Invalid,
    NotFound,
    OutdatedCard,
    Problem,
    Thing,
    Unavailable,
)
from core.messages import Message
from core.people import Person, TokenScope
from core.plan import Item, Plan
from core.ports.clock import Clock, Ids
from core.ports.store import Reading, Store
from core.status import PlanStatus
from core.verbs import VERBS, Argument, Target

log = logging.getLogger(__name__)

_WITH_QUESTION = frozenset(verb for verb, words in WORDS.items() if words.question)
"""The verbs whose buttons may ask for a text. In chats with dialogs a click without a text opens a form for it."""
_PARTS = {
    "plan": N_("the number of the plan"),
    "item": N_("the item: its position, key or name"),
    "delivery": N_("the id of the delivery, the number of the plan, or a time"),
}
"""The descriptions of the parts that a typed command may lack."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request with its person and the locale of the reply."""

    inbound: Inbound
    person: Person
    locale: Locale

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"{self.inbound.platform}:{self.inbound.key}"


class Dispatch:
    """Replies to the requests of all chats. A FabuError becomes the reply, so calling it raises none."""

    def __init__(
        self, engine: Engine, store: Store, identities: Identities, clock: Clock, ids: Ids,
        *, locale: Locale, card_links: CardLinks,
    ) -> None:  # fmt: skip
        self._engine, self._store, self._identities, self._clock, self._ids = engine, store, identities, clock, ids
        self._locale, self._public_url, self._redelivery = locale, card_links.public_url, Redelivery(store, engine)
        self._links, self._card_links = SignInLinks(store, clock, ids, card_links.public_url), card_links
        self._answered = AnsweredMessages(store, clock)

    async def __call__(self, inbound: Inbound) -> Reply:
        """Return the reply to a request whose sender is authenticated; it is empty for a message that was answered."""
        if inbound.verb or not inbound.message:
            return await self._reply(inbound)
        key = f"{inbound.platform}:{inbound.key}"
        if not await self._answered.add(key):
            return Reply()
        try:
            return await self._reply(inbound)
        except BaseException:
            await self._answered.forget(key)
            raise

    async def _reply(self, inbound: Inbound) -> Reply:
        locale, request = self._locale, None
        try:
            person = await self._identities.person(inbound.platform, inbound.user)
            locale = Locale.of(person, locale.language, locale.timezone)
            if inbound.language:
                locale = Locale(inbound.language, locale.timezone)
            request = _Request(inbound, person, locale)
            reply = await (self._handle_click(request) if inbound.verb else self._handle_text(request))
            return self._signed_in(request, reply)
        except Invalid as error:
            errors = {find_field(problem): locale.text(problem.message, **problem.params) for problem in error.problems}
            return Reply(locale.error(error), Tone.BAD, errors=errors)
        except ConfirmedOnPage as error:
            page = page_of(self._public_url, error.params["plan"])
            return Reply(f"{locale.error(error)} {page}", Tone.BAD, link=page)
        except FabuError as error:
            reply = Reply(locale.error(error), Tone.BAD)
            if not request or not isinstance(error, Conflict | Gone):
                return reply
            if isinstance(error, OutdatedCard):
                reply = replace(reply, card=await self._find_card(request))
            return await self._update_reply(request, reply)

    def _signed_in(self, request: _Request, reply: Reply) -> Reply:
        """Return a reply whose card signs its reader in, where nobody else sees it; without what may not be read."""
        inbound = request.inbound
        if reply.card is None or TokenScope.READ not in inbound.credential.scopes:
            return replace(reply, card=None)
        if not (inbound.private or reply.aside) or inbound.platform in OWN_PLATFORMS:
            return reply
        return replace(reply, card=self._card_links.sign(reply.card, request.person.id, _digest(request.key)[:32]))

    async def _handle_click(self, request: _Request) -> Reply:
        inbound = request.inbound
        if inbound.verb == SAY:
            return await self._handle_text(replace(request, inbound=replace(inbound, text=inbound.ref)))
        if inbound.verb in ("home", ChatVerb.SHOW):
            self._context(request).actor.require(TokenScope.READ)
        if inbound.verb == "home":
            return Reply(card=await self._look(request).mine())
        if inbound.verb == ChatVerb.NEW:
            return await self._create(request, draft_from_form(inbound.values, request.locale, self._engine.directory))
        ref = Ref.parse(inbound.ref)
        if inbound.verb == ChatVerb.SHOW and ref.item_id:
            return Reply(card=await self._look(request).item(ref), aside=True)
        if inbound.verb == ChatVerb.SHOW:
            return Reply(card=await self._look(request).show(ref.plan_id))
        if inbound.verb == Verb.APPROVE and ref.view != View.APPROVAL:
            shown = await self._show_first(request, ref)
            if isinstance(shown, Reply):
                return shown
        opens_form = inbound.verb in _WITH_QUESTION and "text" not in inbound.values
        if opens_form and (form := await self._make_form(request, ref)):
            return Reply(form=form)
        command = make_command(inbound.verb, ref, inbound.values.get("text", ""))
        outcome = await self._execute(request, command)
        done = Reply(_describe_anyhow(outcome, command, request.locale), Tone.GOOD)
        with _what_was_done(outcome):
            return await self._update_reply(request, done)
        return done

    async def _update_reply(self, request: _Request, reply: Reply) -> Reply:
        """Add the present card to the reply to a click, if the clicked card is a reply itself, or a digest."""
        inbound = request.inbound
        if not (inbound.verb and inbound.verb != SAY and inbound.message):
            return reply
        try:
            ref = Ref.parse(inbound.ref)
            if ref.view in ("", View.APPROVAL):
                return reply
            card = await self._look(request).view(ref)
        except (NotFound, Unavailable):
            return reply
        return replace(reply, card=card, replaces=True)

    async def _make_form(self, request: _Request, ref: Ref) -> Form | None:
        """Return the form that a click opens; None when the button has none, or the person has no right to the verb."""
        plan = await self._store.read(lambda reading: reading.plans.get(ref.plan_id))
        if not may(plan, Verb(request.inbound.verb), self._context(request), ref.item_id):
            return None
        button = str(replace(ref, view="", page=0))
        form = self._look(request).plan_cards.form(plan, request.inbound.verb, button)
        return replace(form, ref=request.inbound.ref) if form else None

    def _context(self, request: _Request) -> Context:
        inbound, directory = request.inbound, self._engine.directory
        return self._engine.context(directory.actor(request.person.id, inbound.platform, inbound.credential))

    async def _execute(self, request: _Request, command: c.PersonCommand) -> Outcome:
        return await self._engine.execute(command, self._context(request).actor, request.key)

    async def _handle_text(self, request: _Request) -> Reply:
        text = request.locale.text
        if request.inbound.textless:
            return Reply(text("This message has no text. Write a command; `help` lists them."), Tone.BAD)
        typed = parse(request.inbound.text)
        if typed.verb is None:
            hint = (
                text("Did you mean `{command}`?", command=typed.suggestion)
                if typed.suggestion
                else text("`help` lists the commands.")
            )
            return Reply(text("“{word}” is not a command. {hint}", word=typed.rest[:40], hint=hint), Tone.BAD)
        if typed.missing:
            verb, what = word_for(typed.verb, request.locale.language), text(_PARTS[typed.missing])
            return Reply(text("`{verb}` needs {what}. `help` shows how it is written.", verb=verb, what=what), Tone.BAD)
        match typed.verb:
            case Verb.REPLAY:
                actor = self._context(request).actor
                sentence = await self._redelivery.replay(typed.rest, actor, request.key, request.locale)
                return Reply(sentence, Tone.GOOD)
            case Verb() as verb:
                return await self._execute_typed(request, verb, typed)
            case ChatVerb() as verb:
                return await self._answer(request, verb, typed)
            case _:
                assert_never(typed.verb)

    async def _answer(  # noqa: C901 - one flat line of cases
        self, request: _Request, verb: ChatVerb, typed: TypedCommand
    ) -> Reply:
        """Reply to a verb that exists in chats alone: it reads, or creates a plan."""
        if verb is not ChatVerb.NEW:
            self._context(request).actor.require(TokenScope.READ)
        look = self._look(request)
        match verb:
            case ChatVerb.LIST:
                return Reply(card=await look.list_plans(typed.rest))
            case ChatVerb.SHOW:
                return Reply(card=await look.show(await self._plan_id(typed), typed.rest))
            case ChatVerb.DIFF:
                return Reply(card=await look.diff(await self._plan_id(typed), typed.rest))
            case ChatVerb.LOG:
                return Reply(card=await look.log(await self._plan_id(typed), split_page(typed.rest)[1]))
            case ChatVerb.NEW if typed.rest:
                draft = draft_from_form({"name": typed.rest}, request.locale, self._engine.directory)
                return await self._create(request, draft)
            case ChatVerb.NEW:
                return Reply(form=new_plan_form(request.locale))
            case ChatVerb.WEB:
                return await self._sign_in_link(request, typed.rest)
            case ChatVerb.DELIVERIES:
                return Reply(card=await self._redelivery.list_dead(typed.rest, look.list_cards))
            case ChatVerb.HELP:
                return Reply(card=look.list_cards.help())
            case _:
                assert_never(verb)

    async def _execute_typed(self, request: _Request, verb: Verb, typed: TypedCommand) -> Reply:
        """Execute a typed command on a plan or an item."""
        plan_id, rest, spec = await self._plan_id(typed), typed.rest, VERBS[verb]
        ref = Ref(plan_id)
        if verb is Verb.APPROVE:
            shown = await self._show_first(request, ref)
            if isinstance(shown, Reply):
                return shown
            ref = shown
        if spec.target is Target.ITEM:
            items = await self._store.read(lambda reading: reading.plans.find_items(plan_id, typed.item))
            ref = replace(ref, item_id=_require_one(items, typed.item).id)
        if spec.argument is not Argument.PERSON:
            return await self._execute_and_show(request, make_command(verb, ref, rest))
        directory = self._engine.directory
        person = await find_person_id(self._identities, directory, request.inbound, rest)
        reply = await self._execute_and_show(request, make_command(verb, ref, person))
        named = request.locale.text(
            "The delegate is {name} ({id}).", name=directory.name(person), id=person.lstrip("@")
        )
        return replace(reply, text=f"{reply.text} {named}")

    async def _show_first(self, request: _Request, ref: Ref) -> Reply | Ref:
        """Return the approval card in place of the vote of somebody who was not shown the present revision.

        Otherwise return the reference to the revision that was shown, so that the vote counts for no later one. It is
        unchanged for who may not approve now: the vote itself is then refused with the reason.
        """

        def load(reading: Reading) -> tuple[Plan, Sequence[int]]:
            plan = reading.plans.get(ref.plan_id)
            return plan, reading.seen.revisions(plan.id, request.person.id)

        plan, shown = await self._store.read(load)
        try:
            check_allowed(plan, c.Approve(plan_id=plan.id, nonce=ref.nonce), self._context(request))
        except FabuError:
            return ref
        if ref.nonce and ref.nonce != plan.nonce:
            return ref
        if plan.revision in shown:
            return replace(ref, nonce=plan.nonce)
        card = await self._look(request).approval(plan.id)
        text = request.locale.text("Nothing is approved yet: look at what it is first, then press the button.")
        return Reply(text, Tone.WAITING, card)

    async def _plan_id(self, typed: TypedCommand) -> str:
        return await self._store.read(lambda reading: reading.plans.id_of(typed.plan))

    async def _create(self, request: _Request, draft: PlanDraft) -> Reply:
        return await self._execute_and_show(request, c.Create(plan_id=self._ids.new_plan(), draft=draft))

    async def _execute_and_show(self, request: _Request, command: c.PersonCommand) -> Reply:
        """Execute a command; reply with its outcome and the card of the plan."""
        outcome = await self._execute(request, command)
        done = Reply(_describe_anyhow(outcome, command, request.locale), Tone.GOOD)
        with _what_was_done(outcome):
            return replace(done, card=await self._look(request).plan(outcome.plan.id))
        return done

    async def _sign_in_link(self, request: _Request, rest: str) -> Reply:
        """Reply with a link that signs in the first person who opens it, and leads to the plan with a number in `rest`.

        A request gets no link where others read the reply, and no second link when it is repeated.
        """
        if not request.inbound.private and request.inbound.platform not in OWN_PLATFORMS:
            return Reply(
                request.locale.text("Others would see the link here. Ask for it in a direct message."), Tone.BAD
            )
        plan = rest.strip("#＃") if rest else ""
        if plan and not (plan.isascii() and plan.isdecimal()):
            raise NotFound(Thing.PLAN, plan[:40])
        token_id = _digest(request.key)[:32]
        url = await self._links.make(request.person.id, token_id, request.inbound.credential, plan)
        sentence = request.locale.text("Open this link within ten minutes; it works once: {url}", url=url)
        return Reply(sentence, link=url)

    async def _find_card(self, request: _Request) -> Card | None:
        """Return the present card of the plan that a button refers to, as it was asked for; None when there is none."""
        try:
            ref, look = Ref.parse(request.inbound.ref), self._look(request)
            return await (look.approval(ref.plan_id) if ref.view == View.APPROVAL else look.plan(ref.plan_id))
        except (NotFound, Unavailable):
            return None

    def _look(self, request: _Request) -> Looking:
        return Looking(self._store, self._engine, self._clock, self._public_url, request.person.id, request.locale)


@contextmanager
def _what_was_done(outcome: Outcome) -> Iterator[None]:
    """Log an error of showing what a command did, and go on: its requester has to read that it is done."""
    try:
        yield
    except Exception:
        log.exception("plan %s cannot be shown after a command that is done", outcome.plan.id)


def _describe_anyhow(outcome: Outcome, command: c.PersonCommand, locale: Locale) -> str:
    """Return the sentence that answers a command, or that it is done when the outcome cannot be described."""
    with _what_was_done(outcome):
        return describe_outcome(outcome, command, locale)
    return locale.text("This is done. Look at the plan for its present state.")


def describe_outcome(outcome: Outcome, command: c.PersonCommand, locale: Locale) -> str:
    """Return the sentence that answers a command: its outcome, and the present status of the plan."""
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


def _require_one(items: list[Item], text: str) -> Item:
    """Return the only item. Raises NotFound when there is none, and Invalid with the candidates when there are more."""
    if not items:
        raise NotFound(Message("This plan has no item {ref}. `show` lists its items.", {"ref": text}))
    if len(items) > 1:
        names = ", ".join(map(title_of_item, items[:5]))
        raise Invalid(Problem("item", "several items fit: {names}; write the position", {"names": names}))
    return items[0]
