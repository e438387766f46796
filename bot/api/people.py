"""Endpoints of people and their API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.api.auth import TOKENS
from bot.api.bodies import NewToken, TokensOf
from bot.api.models import Listed, PersonAnswer, TokenAnswer
from bot.api.routing import KEY_HEADER, Call, Endpoint
from bot.installation import load_secret
from bot.people.tokens import new_token, token_for_key
from core.engine import REUSED_KEY
from core.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Thing
from core.messages import Message


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
    expires_at = services.clock.now() + body.expires_in if body.expires_in else None
    if call.key:
        return await _make_token_once(call, person, expires_at)
    secret, token = new_token(person, body.name, services.clock, services.ids, expires_at)
    await services.store.write(lambda writing: writing.people.add_token(token))
    return TokenAnswer.of(token, secret)


async def _make_token_once(call: Call[NewToken, None], person: str, expires_at: datetime | None) -> TokenAnswer:
    """Make the token of a request with an idempotency key. When it was made before, return it as it is now.

    Raises Invalid when the key belongs to another request.
    """
    store, clock = call.services.store, call.services.clock
    secret, token = token_for_key(
        call.key, load_secret(call.services.settings), person, call.body.name, clock, expires_at
    )
    try:
        await store.write(lambda writing: writing.people.add_token(token))
    except Conflict:
        known = next(each for each in await store.read(lambda reading: reading.people.tokens()) if each.id == token.id)
        life = known.expires_at - known.created_at if known.expires_at else None
        if (known.person, known.name, life) != (person, token.name, call.body.expires_in):
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
