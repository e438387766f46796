"""The chat over HTTP, for the terminal: the same words and the same answers as in the other chats."""

from __future__ import annotations

from bot.api.bodies import ChatBody
from bot.api.errors import language_of
from bot.api.models import ReplyAnswer
from bot.api.routing import KEY_HEADER, Call, Endpoint
from core.chat import Inbound


async def chat(call: Call[ChatBody, None]) -> ReplyAnswer:
    """Answer what a person types or presses."""
    said = call.body
    inbound = Inbound(
        platform="cli",
        user=call.actor.id,
        key=call.key or call.services.ids.new(),
        text=said.text,
        verb=said.verb,
        ref=said.ref,
        values=said.values,
        private=True,
        language=language_of(call.request),
    )
    return ReplyAnswer.of(await call.services.chat(inbound))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="POST", path="/chat", summary="Say something to Fabu", handler=chat, answer=ReplyAnswer,
             body=ChatBody, request_headers=(KEY_HEADER,), example={"text": "list mine"}),
)  # fmt: skip
