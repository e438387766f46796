"""A strict Slack on loopback: the Web API, response_urls and Socket Mode for the app, and users acting towards it.

Give the app `api_url`, and the simulator the app's request URL as `app_url`. Deliveries go over Socket Mode while
the app holds a connection, else over HTTP. What Slack refused is in `complaints`, which a scenario checks at its end.
"""

from __future__ import annotations

import io
import json
import secrets
from typing import Any, Literal

import aiohttp
from aiohttp import web

from tests.waiting import PATIENCE

from .base import Simulator
from .slack_answers import Answers, Reply
from .slack_api import WebApi
from .slack_payloads import Payloads, encode, form, signed, typed
from .slack_reading import NotPossible, find, option_of, state_values
from .slack_socket import Reason, SocketMode
from .slack_tickets import ResponseUrls, Triggers
from .slack_views import Views
from .slack_workspace import JSON, Channel, Message, Person, View, Workspace

Delivery = Literal["events_api", "interactive", "slash_commands"]
EventKind = Literal["app_mention", "message.im", "app_home_opened"]
Action = str | tuple[str, str]
FORM_TYPE = "application/x-www-form-urlencoded"


class SlackSimulator(Simulator):
    """One workspace with the app installed; credentials are made anew for every simulator."""

    def __init__(self, app_url: str = "", command: str = "/release") -> None:
        super().__init__()
        self.app_url = app_url
        self.command = command
        self.ack_seconds = 3.0
        self.bot_token = f"xoxb-{secrets.token_hex(16)}"
        self.app_token = f"xapp-{secrets.token_hex(16)}"
        self.signing_secret = secrets.token_hex(16)
        self.workspace = Workspace(self.clock)
        self.triggers = Triggers(self.clock)
        self.views = Views(self.workspace, self.triggers)
        self.socket = SocketMode(self.workspace.app_id, self.notify)
        self._urls = ResponseUrls(self.clock)
        self._payloads = Payloads(self.workspace)
        api = WebApi(self.workspace, self.views, self.bot_token, self.app_token, lambda: self.socket.ticket(self.url))
        self._api = api
        self._answers = Answers(self.workspace, api, self.views, self._urls)
        self._ack_problems: list[str] = []
        self._session: aiohttp.ClientSession | None = None

    @property
    def api_url(self) -> str:
        """The base URL of the Web API, with the trailing slash that slack_sdk needs."""
        return f"{self.url}/api/"

    def routes(self) -> list[web.RouteDef]:
        """Return the Web API, response_urls and the WebSocket."""
        return [
            web.post("/api/{method}", self._api.handle),
            web.get("/api/{method}", self._api.handle, allow_head=False),
            web.post("/response/{token}", self._answers.to_response_url),
            web.get("/link/", self.socket.handle),
        ]

    def operation(self, request: web.Request) -> str:
        """Name a call by its API method, or `response_url` or `socket`."""
        kind = request.path.split("/")[1]
        return {"response": "response_url", "link": "socket"}.get(kind, request.path.rpartition("/")[2])

    async def start(self) -> None:
        """Serve, and open the session that acts as Slack towards the app."""
        await super().start()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    async def stop(self) -> None:
        """Close the session and all connections."""
        if self._session:
            await self._session.close()
        for socket in list(self.socket.connections):
            await socket.close()
        await super().stop()

    # People and places

    def add_user(self, user: str, name: str, email: str = "", *, deleted: bool = False) -> Person:
        """Add a member."""
        self.workspace.people[user] = person = Person(user, name, email, deleted)
        return person

    def add_channel(self, channel: str, name: str, *, is_member: bool = True, is_archived: bool = False) -> Channel:
        """Add a channel; the bot is in it unless told otherwise."""
        self.workspace.channels[channel] = added = Channel(channel, name, None, is_member, is_archived)
        return added

    # What the app has shown

    def messages(self, channel: str, *, thread: str | None = None) -> list[Message]:
        """Return the bot's messages of a channel, oldest first; with `thread` its replies there."""
        shown = [m for m in self.workspace.channel(channel).messages if m.user == self.workspace.bot_user]
        return shown if thread is None else [message for message in shown if message.thread_ts == thread]

    def cards(self, channel: str) -> list[Message]:
        """Return the bot's messages of a channel that are no replies in a thread, oldest first."""
        return [message for message in self.messages(channel) if message.thread_ts is None]

    def dms(self, user: str) -> list[Message]:
        """Return the bot's direct messages to a user, oldest first."""
        channel = next((one for one in self.workspace.channels.values() if one.user == user), None)
        return self.messages(channel.id) if channel else []

    def ephemerals(self, user: str) -> list[Message]:
        """Return what was shown to a user alone, oldest first."""
        return [message for message in self.workspace.ephemerals if message.only_for == user]

    def modal(self, user: str) -> View | None:
        """Return the topmost modal on a user's screen."""
        stack = self.views.stacks.get(user)
        return stack[-1] if stack else None

    def home(self, user: str) -> View | None:
        """Return a user's home tab."""
        return self.views.homes.get(user)

    @property
    def complaints(self) -> list[str]:
        """Everything that Slack refused or would have shown as an error; scripted faults are not among it."""
        refused = [
            " ".join([f"{call.operation}: {call.answer['error']}", *messages_of(call.answer)])
            for call in self.calls
            if call.fault is None and call.answer.get("ok") is False
        ]
        return refused + self._ack_problems + [f"socket: {frame}" for frame in self.socket.protocol_errors]

    # Users' acts. Each delivers one payload and returns the app's answer; TimeoutError if none came in `ack_seconds`.

    async def click(
        self, user: str, shown: Message | View, action: Action, state: JSON | None = None, choice: str | None = None
    ) -> Reply:
        """Use an element that is shown now, named as in `slack_reading.find`.

        `state` fills inputs on the same surface; `choice` names the option of a menu by value or text.
        """
        self._must_see(user, shown)
        block, element = find(shown, action)
        picked = None if choice is None else {"selected_option": option_of(element, choice)}
        values = state_values(shown, state or {})
        if isinstance(shown, View):
            payload = self._payloads.interaction("block_actions", user, self.triggers.mint(user, shown.id))
            payload |= {"container": {"type": "view", "view_id": shown.id}, "view": self.views.wire(shown, values)}
        else:
            payload = self._payloads.interaction("block_actions", user, self.triggers.mint(user))
            channel = self.workspace.channel(shown.channel)
            payload |= self._payloads.about_message(shown, channel, block["block_id"])
            payload |= {"state": {"values": values}, "response_url": self.response_url(channel.id, user, shown)}
        payload["actions"] = [self._payloads.action(block["block_id"], element, picked)]
        return await self.deliver("interactive", payload)

    async def click_raw(
        self,
        user: str,
        *,
        channel: str,
        message_ts: str,
        action_id: str,
        value: str,
        block_id: str = "forged",
        **top: Any,
    ) -> Reply:
        """Send a signed button click for anything, shown or not; `top` adds or replaces top-level fields."""
        message = Message(channel, message_ts, self.workspace.bot_user, "forged")
        payload = self._payloads.interaction("block_actions", user, self.triggers.mint(user))
        payload |= self._payloads.about_message(message, Channel(channel, channel.lower()), block_id)
        button = {"type": "button", "action_id": action_id, "value": value}
        payload |= {"state": {"values": {}}, "response_url": self.response_url(channel, user)}
        payload["actions"] = [self._payloads.action(block_id, button, None)]
        return await self.deliver("interactive", payload | top)

    async def submit_view(self, user: str, view: View, values: JSON | None = None) -> Reply:
        """Fill in and submit the topmost modal; keys of `values` are block_ids, action_ids or labels."""
        self._must_see(user, view)
        state = state_values(view, values or {}, complete=True)
        payload = self._payloads.interaction("view_submission", user, self.triggers.mint(user, view.id))
        payload |= {"view": self.views.wire(view, state), "response_urls": []}
        reply = await self.deliver("interactive", payload)
        self._answers.to_submission(view, reply)
        self._ack_problems += [f"view_submission: {problem}" for problem in reply.problems]
        return reply

    async def close_view(self, user: str, view: View) -> Reply | None:
        """Dismiss the topmost modal; the app hears of it only where it asked for notify_on_close."""
        self._must_see(user, view)
        payload = self._payloads.interaction("view_closed", user) | {"view": self.views.wire(view), "is_cleared": False}
        self.views.close(view)
        return await self.deliver("interactive", payload) if view.content.get("notify_on_close") else None

    async def slash(self, user: str, channel: str, text: str) -> Reply:
        """Type the app's command in a channel and see the answer shown."""
        place, trigger = self.workspace.destination(channel), self.triggers.mint(user)
        url = self.response_url(place.id, user)
        fields = self._payloads.command(user, place, self.command, text, trigger, url)
        reply = await self.deliver("slash_commands", fields)
        self._answers.to_command(url, reply)
        self._ack_problems += [f"slash command: {problem}" for problem in reply.problems]
        return reply

    async def event(
        self,
        kind: EventKind,
        user: str,
        text: str = "",
        channel: str | None = None,
        *,
        event_id: str | None = None,
        retry: tuple[int, str] | None = None,
    ) -> Reply:
        """Mention the bot in a channel, write to it directly, or open its home tab; `retry` is (number, reason)."""
        if kind == "app_home_opened":
            fields = {"user": user, "channel": self.workspace.direct(user).id, "tab": "home"}
            body: JSON = {"type": kind, **fields, "event_ts": self.workspace.timestamp()}
        else:
            mention = f"<@{self.workspace.bot_user}>"
            place = self.workspace.destination(channel or user)
            words = text if kind == "message.im" or mention in text else f"{mention} {text}"
            body = self._payloads.said(self.say(user, place.id, words))
            body |= {"type": "app_mention"} if kind == "app_mention" else {"channel_type": "im"}
        return await self.event_raw(body, event_id=event_id, retry=retry)

    def say(self, user: str, channel: str, text: str) -> Message:
        """Let a user write in a channel where the app does not hear it; the message is not the bot's."""
        place = self.workspace.destination(channel)
        said = Message(place.id, self.workspace.timestamp(), user, typed(text))
        place.messages.append(said)
        return said

    async def edit(self, message: Message, text: str) -> Reply:
        """Let a user edit what they wrote, or Slack add a link preview to it, when the text stays as it is.

        A mention is sent anew under another event_id, with `edited`; a direct message as the change that it is.
        """
        before = self._payloads.said(message)
        message.text, message.edited = typed(text), self.workspace.timestamp()
        after = self._payloads.said(message)
        if self.workspace.channel(message.channel).user is None:
            return await self.event_raw(after | {"type": "app_mention", "event_ts": message.edited})
        change = {"type": "message", "subtype": "message_changed", "hidden": True, "message": after}
        place = {"channel": message.channel, "channel_type": "im", "ts": message.edited, "event_ts": message.edited}
        return await self.event_raw(change | place | {"previous_message": before})

    async def event_raw(
        self, event: JSON, *, event_id: str | None = None, retry: tuple[int, str] | None = None
    ) -> Reply:
        """Deliver any event object; the same `event_id` with `retry` is a redelivery."""
        return await self.deliver("events_api", self._payloads.event(event, event_id), retry)

    async def url_verification(self, challenge: str = "") -> Reply:
        """Do the handshake of a new request URL, always over HTTP."""
        body = encode(self._payloads.url_verification(challenge or secrets.token_urlsafe(32))).encode()
        return await self.post(body, "application/json", self._signed(body))

    # Transport

    async def deliver(self, kind: Delivery, payload: JSON, retry: tuple[int, str] | None = None) -> Reply:
        """Sign and send one payload, over Socket Mode when the app holds a connection."""
        if self.socket.connections:
            again = {"retry_attempt": retry[0], "retry_reason": retry[1]} if retry else {}
            answered = kind != "events_api"
            envelope = {"type": kind, "payload": payload, "accepts_response_payload": answered, **again}
            return Reply(200, await self.socket_send(envelope))
        if kind == "events_api":
            body, content_type = encode(payload).encode(), "application/json"
        else:
            body, content_type = form({"payload": encode(payload)} if kind == "interactive" else payload), FORM_TYPE
        headers = self._signed(body)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        return await self.post(body, content_type, headers)

    def _signed(self, body: bytes) -> dict[str, str]:
        return signed(body, self.signing_secret, int(self.clock.now()))

    async def post(self, body: bytes, content_type: str, headers: dict[str, str]) -> Reply:
        """Post raw bytes to the app, signed or not."""
        if self._session is None:
            raise NotPossible("the simulator is not started")
        sent = {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)", "Content-Type": content_type, **headers}
        timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
        async with self._session.post(self.app_url, data=io.BytesIO(body), headers=sent, timeout=timeout) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return Reply(response.status, json.loads(text) if is_json else text, dict(response.headers))

    async def socket_send(self, envelope: JSON) -> JSON:
        """Send one envelope over Socket Mode and return the payload of its ack."""
        if not self.socket.connections:
            raise NotPossible("the app holds no Socket Mode connection")
        return await self.socket.send(envelope, self.ack_seconds)

    async def socket_connected(self, seconds: float = PATIENCE) -> None:
        """Wait until the app holds a Socket Mode connection."""
        await self.until(lambda: bool(self.socket.connections), seconds)

    async def socket_disconnect(self, reason: Reason = "refresh_requested") -> None:
        """End all Socket Mode connections as Slack does; the app has to come back."""
        await self.socket.disconnect(reason)

    def response_url(self, channel: str, user: str, source: Message | None = None) -> str:
        """Return a fresh response_url; `source` is the message that `replace_original` replaces."""
        return f"{self.url}/response/{self._urls.mint(channel, user, source)}"

    def _ticket(self) -> str:
        return self.socket.ticket(self.url)

    def _must_see(self, user: str, shown: Message | View) -> None:
        if isinstance(shown, View):
            seen = shown in (self.modal(user), self.home(user))
        elif shown.only_for:
            seen = shown.only_for == user and shown in self.workspace.ephemerals
        else:
            place = self.workspace.channel(shown.channel)
            seen = shown in place.messages and place.user in (None, user)
        if not seen:
            raise NotPossible(f"{user} does not see this {type(shown).__name__.lower()}")


def messages_of(answer: JSON) -> list[str]:
    """Return the explanations inside a refusal."""
    return list(answer.get("response_metadata", {}).get("messages", []))
