"""What the app answers outside the Web API: acks of commands and modals, and posts to a response_url.

Slack docs: interactivity/handling-user-interaction, surfaces/modals (response_action).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .slack_api import WebApi
from .slack_arguments import arguments_of
from .slack_tickets import ResponseUrl, ResponseUrls
from .slack_views import Views, valid_view
from .slack_workspace import JSON, Message, Refused, View, Workspace


@dataclass
class Reply:
    """The app's answer to one delivery."""

    status: int
    body: Any
    """Parsed JSON, or the text of another body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Why Slack would show the user an error instead of what the app answered."""


class Answers:
    """Carries the app's answers over to the workspace."""

    def __init__(self, workspace: Workspace, api: WebApi, views: Views, urls: ResponseUrls) -> None:
        self._workspace = workspace
        self._api = api
        self._views = views
        self._urls = urls

    def to_submission(self, view: View, reply: Reply) -> None:
        """Close, keep, update or stack modals as the ack of a view_submission says."""
        if not self._succeeded(reply):
            return
        ack = reply.body if isinstance(reply.body, dict) else {}
        try:
            match ack.get("response_action"):
                case None:
                    self._views.close(view)
                case "clear":
                    self._views.clear(view.user)
                case "update":
                    self._views.replace(view, valid_view(ack.get("view"), "modal"))
                case "push":
                    self._views.push(view, valid_view(ack.get("view"), "modal"))
                case "errors":
                    reply.problems += errors_problems(view, ack.get("errors"))
                case unknown:
                    reply.problems.append(f"unknown response_action {unknown!r}")
        except Refused as refused:
            reply.problems += refused.messages or [refused.error]

    def to_command(self, url: str, reply: Reply) -> None:
        """Show the body of a slash command's ack, plain text or JSON; an empty body shows nothing."""
        if not self._succeeded(reply) or not reply.body:
            return
        answer = reply.body if isinstance(reply.body, dict) else {"text": reply.body}
        target = self._urls.peek(url.rpartition("/")[2])
        try:
            target.source = self._show(target, answer)
        except Refused as refused:
            reply.problems += refused.messages or [refused.error]

    async def to_response_url(self, request: web.Request) -> web.Response:
        """Answer a post to a response_url."""
        try:
            target = self._urls.use(request.match_info["token"])
        except Refused as refused:
            return web.json_response(refused.answer(), status=404)
        try:
            self._respond(target, await arguments_of(request))
        except Refused as refused:
            return web.json_response(refused.answer(), status=400)
        return web.json_response({"ok": True})

    def _respond(self, target: ResponseUrl, answer: JSON) -> None:
        if answer.get("delete_original"):
            self._remove(self._source(target))
        elif answer.get("replace_original"):
            self._api.revise(self._source(target), answer)
        else:
            shown = self._show(target, answer)
            target.source = target.source or shown

    def _source(self, target: ResponseUrl) -> Message:
        if target.source is None:
            raise Refused("message_not_found")
        return target.source

    def _show(self, target: ResponseUrl, answer: JSON) -> Message:
        kind = answer.get("response_type", "ephemeral")
        if kind not in ("ephemeral", "in_channel"):
            raise Refused("invalid_arguments", [f"[ERROR] unknown response_type {kind!r}"])
        channel = self._workspace.channel(target.channel)
        message = self._api.compose(channel, answer)
        if kind == "in_channel":
            channel.messages.append(message)
        else:
            message.only_for = target.user
            self._workspace.ephemerals.append(message)
        return message

    def _remove(self, message: Message) -> None:
        shelf = self._workspace.ephemerals if message.only_for else self._workspace.channel(message.channel).messages
        if message not in shelf:
            raise Refused("message_not_found")
        shelf.remove(message)

    @staticmethod
    def _succeeded(reply: Reply) -> bool:
        if reply.status != 200:
            reply.problems.append(f"HTTP {reply.status}")
        return reply.status == 200


def errors_problems(view: View, errors: Any) -> list[str]:
    """Return why Slack would not show `errors`: it shows them under input blocks alone."""
    if (
        not isinstance(errors, dict)
        or not errors
        or not all(text and isinstance(text, str) for text in errors.values())
    ):
        return ["errors must map block_ids to texts"]
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    return [f"errors names {key!r}, which is no input block" for key in errors if key not in inputs]
