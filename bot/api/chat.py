"""The chat endpoint, for the terminal: it has the grammar and the replies of the vendors' chats."""

from __future__ import annotations

from bot.api.bodies import ChatBody
from bot.api.errors import language_of
from bot.api.models import ReplyAnswer
from bot.api.routing import KEY_HEADER, Call, Endpoint
from core.chat import Inbound


async def chat(call: Call[ChatBody, None]) -> ReplyAnswer:
    """Reply to a typed command, a button or a form."""
    body = call.body
    inbound = Inbound(
        platform="cli",
        user=call.actor.id,
        key=call.key or call.services.ids.new(),
        text=body.text,
        verb=body.verb,
        ref=body.ref,
        values=body.values,
        private=True,
        language=language_of(call.request),
        credential=call.actor.credential,
    )
    return ReplyAnswer.of(await call.services.chat(inbound))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="POST", path="/chat", summary="Say something to Fabu", handler=chat, answer=ReplyAnswer,
             body=ChatBody, request_headers=(KEY_HEADER,), example={"text": "list mine"}),
)  # fmt: skip
