"""People and their tokens."""

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


async def me(call: Call[None, None]) -> PersonAnswer:
    """Tell whom the token belongs to."""
    directory = call.services.engine.directory
    return PersonAnswer.of(directory.people[call.actor.id], directory)


async def everybody(call: Call[None, None]) -> Listed[PersonAnswer]:
    """List all people."""
    directory = call.services.engine.directory
    people = sorted(directory.people.values(), key=lambda person: person.id)
    return Listed[PersonAnswer](items=[PersonAnswer.of(person, directory) for person in people])


async def list_tokens(call: Call[None, TokensOf]) -> Listed[TokenAnswer]:
    """List one's own tokens, or a person's for an administrator. Sign-in links are not shown."""
    person = _owner(call, call.query.person)
    tokens = await call.services.store.read(lambda reading: reading.people.tokens(person))
    return Listed[TokenAnswer](items=[TokenAnswer.of(token) for token in tokens if not token.single_use])


async def make_token(call: Call[NewToken, None]) -> TokenAnswer:
    """Make a token and tell its secret, this once."""
    services, asked = call.services, call.body
    person = _owner(call, asked.person or "")
    if not services.engine.directory.active(person):
        raise Invalid(Problem("person", "nobody is called {name}; use the id of an active person", {"name": person}))
    expires_at = services.clock.now() + asked.expires_in if asked.expires_in else None
    if call.key:
        return await _made_once(call, person, expires_at)
    secret, token = new_token(person, asked.name, services.clock, services.ids, expires_at)
    await services.store.write(lambda writing: writing.people.add_token(token))
    return TokenAnswer.of(token, secret)


async def _made_once(call: Call[NewToken, None], person: str, expires_at: datetime | None) -> TokenAnswer:
    """Make the token of a request that may come again; when it was made before, return it as it is now.

    Raises Invalid when the key came with another request.
    """
    store, clock = call.services.store, call.services.clock
    secret, token = token_for_key(
        call.key, load_secret(call.services.settings), person, call.body.name, clock, expires_at
    )
    try:
        await store.write(lambda writing: writing.people.add_token(token))
    except Conflict:
        known = next(one for one in await store.read(lambda reading: reading.people.tokens()) if one.id == token.id)
        life = known.expires_at - known.created_at if known.expires_at else None
        if (known.person, known.name, life) != (person, token.name, call.body.expires_in):
            raise Invalid(REUSED_KEY) from None
        call.headers["Idempotent-Replayed"] = "true"
        token = known
    return TokenAnswer.of(token, secret)


async def revoke_token(call: Call[None, None]) -> None:
    """Revoke a token of one's own, or anybody's for an administrator. Raises NotFound."""
    token_id, services = call.ref("id", Thing.TOKEN), call.services
    owner = "" if call.actor.admin else call.actor.id
    tokens = await services.store.read(lambda reading: reading.people.tokens(owner))
    if token_id not in (token.id for token in tokens):
        raise NotFound(Message("There is no token {ref} of yours.", {"ref": token_id}))
    now = services.clock.now()
    await services.store.write(lambda writing: writing.people.revoke_token(token_id, now))
    call.request.config_dict[TOKENS].forget()


def _owner(call: Call[Any, Any], person: str) -> str:
    if person and person != call.actor.id and not call.actor.admin:
        raise Forbidden(Message("Only administrators may handle the tokens of others."))
    return person or call.actor.id


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/me", summary="Tell who is asking", handler=me, answer=PersonAnswer),
    Endpoint(method="GET", path="/people", summary="List people", handler=everybody, answer=Listed[PersonAnswer]),
    Endpoint(method="GET", path="/tokens", summary="List tokens", handler=list_tokens, answer=Listed[TokenAnswer],
             query=TokensOf),
    Endpoint(method="POST", path="/tokens", summary="Make a token", handler=make_token, answer=TokenAnswer,
             body=NewToken, status=201, request_headers=(KEY_HEADER,), example={"name": "ci", "expires_in": "90d"}),
    Endpoint(method="DELETE", path="/tokens/{id}", summary="Revoke a token", handler=revoke_token, status=204,
             refusals=(404,)),
)  # fmt: skip
