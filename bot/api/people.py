"""Endpoints of people and their API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.api.auth import TOKENS
from bot.api.bodies import NewToken, TokensOf
from bot.api.models import Listed, PersonAnswer, TokenAnswer
from bot.api.request import TOKEN
from bot.api.routing import KEY_HEADER, Call, Endpoint
from bot.installation import load_secret
from bot.people.tokens import new_token, token_for_key
from core.engine import REUSED_KEY
from core.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Thing
from core.messages import Message
from core.people import USUAL_SCOPES, TokenScope
from core.ports.people import Token
from core.text import format_duration


async def show_caller(call: Call[None, None]) -> PersonAnswer:
    """Answer the person to whom the token belongs."""
    directory = call.services.engine.directory
    return PersonAnswer.of(directory.people[call.actor.id], directory)


async def list_people(call: Call[None, None]) -> Listed[PersonAnswer]:
    """List all people."""
    directory = call.services.engine.directory
    people = sorted(directory.people.values(), key=lambda person: person.id)
    return Listed[PersonAnswer](items=[PersonAnswer.of(person, directory) for person in people])


async def list_tokens(call: Call[None, TokensOf]) -> Listed[TokenAnswer]:
    """List the caller's tokens, or those of a person for an administrator; without sign-in links."""
    person = _owner(call, call.query.person)
    tokens = await call.services.store.read(lambda reading: reading.people.tokens(person))
    return Listed[TokenAnswer](items=[TokenAnswer.of(token) for token in tokens if not token.single_use])


async def make_token(call: Call[NewToken, None]) -> TokenAnswer:
    """Make a token and answer its secret, which no other request returns later."""
    services, body = call.services, call.body
    person = _owner(call, body.person or "")
    if not services.engine.directory.active(person):
        raise Invalid(Problem("person", "nobody is called {name}; use the id of an active person", {"name": person}))
    parent, scopes = call.request[TOKEN], _scopes_for(call)
    secret, token = new_token(person, body.name, services.clock, services.ids, _end_of(call), scopes, parent=parent.id)
    if call.key:
        return await _make_token_once(call, token)
    await services.store.write(lambda writing: writing.people.add_token(token))
    return TokenAnswer.of(token, secret)


def _scopes_for(call: Call[NewToken, None]) -> frozenset[TokenScope]:
    """Return the scopes of a new token: those that are requested, or all that a usual token may have.

    Raises MissingScope for one that the token of the request does not have.
    """
    own, wanted = call.request[TOKEN].scopes, call.body.scopes
    for scope in wanted or ():
        call.actor.require(scope)
    return frozenset(wanted) if wanted else own & USUAL_SCOPES


def _end_of(call: Call[NewToken, None]) -> datetime | None:
    """Return when a new token expires: not after the token of the request.

    Raises Invalid when a longer life is requested than that has left.
    """
    now, limit = call.services.clock.now(), call.request[TOKEN].expires_at
    if call.body.expires_in is None:
        return limit
    if limit and now + call.body.expires_in > limit:
        left = format_duration(limit - now)
        raise Invalid(Problem("expires_in", "this token ends sooner; write at most {left}", {"left": left}))
    return now + call.body.expires_in


async def _make_token_once(call: Call[NewToken, None], made: Token) -> TokenAnswer:
    """Make the token of a request with an idempotency key. When it was made before, return it as it is now.

    Raises Invalid when the key belongs to another request.
    """
    store = call.services.store
    secret, token = token_for_key(call.key, load_secret(call.services.settings), made)
    try:
        await store.write(lambda writing: writing.people.add_token(token))
    except Conflict:
        known = next(each for each in await store.read(lambda reading: reading.people.tokens()) if each.id == token.id)
        if _request_of(known) != _request_of(token):
            raise Invalid(REUSED_KEY) from None
        call.headers["Idempotent-Replayed"] = "true"
        token = known
    return TokenAnswer.of(token, secret)


async def revoke_token(call: Call[None, None]) -> None:
    """Revoke a token of the caller, or of anybody for an administrator. Raises NotFound."""
    token_id, services = call.ref("id", Thing.TOKEN), call.services
    owner = "" if call.actor.admin else call.actor.id
    tokens = await services.store.read(lambda reading: reading.people.tokens(owner))
    if token_id not in (token.id for token in tokens):
        raise NotFound(Message("There is no token {ref} of yours.", {"ref": token_id}))
    now = services.clock.now()
    await services.store.write(lambda writing: writing.people.revoke_token(token_id, now))
    call.request.config_dict[TOKENS].forget()


def _request_of(token: Token) -> tuple[object, ...]:
    """Return what a request said of a token, but for when it was made."""
    life = token.expires_at - token.created_at if token.expires_at and token.expires_at != token.created_at else None
    return token.person, token.name, token.scopes, life


def _owner(call: Call[Any, Any], person: str) -> str:
    """Return the person whose tokens a request is about, by default its caller. Raises Forbidden."""
    if person and person != call.actor.id and not call.actor.admin:
        raise Forbidden(Message("Only administrators may handle the tokens of others."))
    return person or call.actor.id


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/me", summary="Tell who is asking", handler=show_caller, answer=PersonAnswer),
    Endpoint(method="GET", path="/people", summary="List people", handler=list_people, answer=Listed[PersonAnswer]),
    Endpoint(method="GET", path="/tokens", summary="List tokens", handler=list_tokens, answer=Listed[TokenAnswer],
             query=TokensOf),
    Endpoint(method="POST", path="/tokens", summary="Make a token", handler=make_token, answer=TokenAnswer,
             body=NewToken, status=201, request_headers=(KEY_HEADER,), example={"name": "ci", "expires_in": "90d"}),
    Endpoint(method="DELETE", path="/tokens/{id}", summary="Revoke a token", handler=revoke_token, status=204,
             refusals=(404,)),
)  # fmt: skip
