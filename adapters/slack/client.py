"""Calls of Slack's Web API: messages, modals, home tabs, and who a user is. Slack docs: reference/methods."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.slack.errors import NOT_SHOWN, NOT_THERE, SlackError, is_outage, refusal, translated
from adapters.slack.settings import SlackSettings
from adapters.slack.text import JSON
from core.messages import Message
from core.ports.messenger import Posted

log = logging.getLogger(__name__)

TIMEOUT: Final = 10.0  # seconds for one call
_QUIET: Final = {"unfurl_links": False, "unfurl_media": False}


class SlackClient:
    """Speaks to Slack as one app. Every method raises SlackError, a DeliveryError.

    Slack knows no idempotency key, so a call whose answer was lost may post twice; nothing is repeated here. A channel
    that answered 429 is left alone for as long as Slack asked.
    """

    def __init__(self, settings: SlackSettings, timeout: float = TIMEOUT) -> None:
        self.settings = settings
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        cure = f"let this machine reach {settings.api_url}, or check slack.api_url"
        self._reachability = Reachability("Slack", cure, log)
        self._direct: dict[str, str] = {}
        self._paused: dict[str, float] = {}
        self._own: JSON = {}

    @property
    def web(self) -> AsyncWebClient:
        """The client of the SDK; it repeats nothing by itself. Its first use needs a running loop."""
        if self._web is None:
            token = self.settings.bot_token.get_secret_value()
            self._web = AsyncWebClient(token, self.settings.api_url, session=self.session, retry_handlers=[])
        return self._web

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections, shared by all calls. Its first use needs a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        """Give up connections."""
        session, self._session, self._web = self._session, None, None
        if session:
            await session.close()

    async def call(self, method: str, arguments: JSON) -> AsyncSlackResponse:
        """Call a method of the Web API with JSON arguments."""
        with self._calling():
            return await self.web.api_call(method, json=arguments)

    async def send(self, channel: str, content: JSON, thread: str = "") -> Posted:
        """Post content to a channel, or into a thread of it."""
        target = {"channel": channel, **_QUIET} | ({"thread_ts": thread} if thread else {})
        answer = await self._paced(channel, "chat.postMessage", target | content)
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def update(self, posted: Posted, content: JSON) -> None:
        """Replace the content of a message."""
        await self._paced(posted.channel, "chat.update", {"channel": posted.channel, "ts": posted.message, **content})

    async def ephemeral(self, channel: str, user: str, content: JSON, thread: str = "") -> None:
        """Show content to one person in a channel; as a direct message where Slack does not show it there."""
        if channel:
            target = {"channel": channel, "user": user} | ({"thread_ts": thread} if thread else {})
            try:
                await self._paced(channel, "chat.postEphemeral", target | content)
            except SlackError as error:
                if error.vendor_code not in NOT_SHOWN:
                    raise
            else:
                return
        await self.send(await self.direct(user), content)

    async def respond(self, url: str, content: JSON) -> bool:
        """Show content to whoever clicked or typed, by the response_url; False when its host is not allowed."""
        if _host(url) not in self.settings.response_hosts:
            return False
        body = {"response_type": "ephemeral", "replace_original": False, **content}
        with self._calling():
            async with self.session.post(url, json=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise refusal(response.status, response.headers, None)
        return True

    async def open(self, trigger_id: str, view: JSON) -> None:
        """Open a modal; the trigger is good for one use within three seconds of the click."""
        await self.call("views.open", {"trigger_id": trigger_id, "view": view})

    async def publish(self, user: str, view: JSON) -> None:
        """Show a view as the home tab of a user."""
        await self.call("views.publish", {"user_id": user, "view": view})

    async def direct(self, user: str) -> str:
        """Return the channel of direct messages with a user."""
        if user not in self._direct:
            self._direct[user] = str((await self.call("conversations.open", {"users": user}))["channel"]["id"])
        return self._direct[user]

    async def user_by_email(self, email: str) -> JSON | None:
        """Return the active member with an e-mail address; None when there is none of our organisation."""
        return await self._member("users.lookupByEmail", {"email": email})

    async def user(self, user: str) -> JSON | None:
        """Return an active member; None for one who is unknown, has left, or belongs to another organisation."""
        return await self._member("users.info", {"user": user})

    async def _member(self, method: str, parameters: JSON) -> JSON | None:
        try:
            with self._calling():
                user: JSON = (await self.web.api_call(method, http_verb="GET", params=parameters))["user"]
        except SlackError as error:
            if error.vendor_code in NOT_THERE:
                return None
            raise
        return user if await self._is_ours(user) else None

    async def _is_ours(self, user: JSON) -> bool:
        """Return whether a user is an active human member of our workspace or organisation."""
        if not self._own:
            with self._calling():
                answer = await self.web.auth_test()
            self._own = {"team": answer["team_id"], "enterprise": answer.get("enterprise_id")}
        enterprise: Any = user.get("enterprise_user", {}).get("enterprise_id")
        ours = user.get("team_id") == self._own["team"] or (enterprise and enterprise == self._own["enterprise"])
        return bool(ours) and not (user.get("deleted") or user.get("is_bot") or user.get("is_stranger"))

    async def _paced(self, channel: str, method: str, arguments: JSON) -> AsyncSlackResponse:
        """Call a method, but not while Slack wants to be left alone in that channel."""
        now = asyncio.get_running_loop().time()
        if (left := self._paused.get(channel, 0.0) - now) > 0:
            raise SlackError(Message("the channel is paused"), retryable=True, retry_after=left, sent=False)
        try:
            return await self.call(method, arguments)
        except SlackError as error:
            if error.retry_after:
                self._paused[channel] = now + error.retry_after
            raise

    @contextmanager
    def _calling(self) -> Iterator[None]:
        with self._reachability.watching(is_outage), translated():
            yield


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
