"""Calls to Slack: cards, updates, threads, modals, home tabs, and who a user is. Slack docs: reference/methods."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from adapters.slack import render
from adapters.slack.errors import NO_UPDATE, NOT_SHOWN, NOT_THERE, SlackError, refusal, translated
from adapters.slack.settings import SlackSettings
from adapters.slack.text import JSON, escape
from core.card import Card
from core.ports.messenger import Place, Posted

TIMEOUT: Final = 10.0  # seconds for one call
_QUIET: Final = {"unfurl_links": False, "unfurl_media": False}


class SlackMessenger:
    """The outbound side, `core.chat.Messenger`. Every method raises SlackError, a DeliveryError.

    Slack knows no idempotency key, so a call whose answer was lost may post twice; nothing is repeated here. A channel
    that answered 429 is left alone for as long as Slack asked.
    """

    platform = "slack"
    threads = True
    buttons = True

    def __init__(self, settings: SlackSettings, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._direct: dict[str, str] = {}
        self._paused: dict[str, float] = {}
        self._own: JSON = {}

    @property
    def web(self) -> AsyncWebClient:
        """The client of the SDK; it repeats nothing by itself. Its first use needs a running loop."""
        if self._client is None:
            token = self._settings.bot_token.get_secret_value()
            self._client = AsyncWebClient(token, self._settings.api_url, session=self.session, retry_handlers=[])
        return self._client

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections, shared by all calls. Its first use needs a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        """Give up connections."""
        session, self._session, self._client = self._session, None, None
        if session:
            await session.close()

    async def call(self, method: str, arguments: JSON) -> AsyncSlackResponse:
        """Call a method of the Web API with JSON arguments."""
        with translated():
            return await self.web.api_call(method, json=arguments)

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card to a person or a channel."""
        channel = await self.direct(place.user) if place.user else place.channel
        return await self.send(channel, render.message(card))

    async def update(self, posted: Posted, card: Card) -> bool:
        """Show the newest state on a card; False when Slack no longer lets it change."""
        content = {"channel": posted.channel, "ts": posted.message, **render.message(card)}
        try:
            await self._paced(posted.channel, "chat.update", content)
        except SlackError as error:
            if error.vendor_code in NO_UPDATE:
                return False
            raise
        return True

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Write a plain text into the thread below a card."""
        await self.send(posted.channel, {"text": escape(text, render.FALLBACK)}, posted.message)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the id of the active user with an e-mail address, or "". Slack cannot look up phones."""
        if not email:
            return ""
        try:
            with translated():
                user = (await self.web.users_lookupByEmail(email=email))["user"]
        except SlackError as error:
            if error.vendor_code in NOT_THERE:
                return ""
            raise
        return str(user["id"]) if await self._is_ours(user) else ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the confirmed e-mail address of an active member, and no phone: Slack does not verify phones.

        None for people of other organisations too: their addresses are the word of a stranger.
        """
        try:
            with translated():
                found = (await self.web.users_info(user=user))["user"]
        except SlackError as error:
            if error.vendor_code in NOT_THERE:
                return None
            raise
        if not await self._is_ours(found):
            return None
        email = found.get("profile", {}).get("email") or ""
        return (email if found.get("is_email_confirmed", True) else "", "")

    async def home(self, user: str, card: Card) -> None:
        """Show a card as the home tab of a user."""
        await self.call("views.publish", {"user_id": user, "view": render.home(card)})

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
        if _host(url) not in self._settings.response_hosts:
            return False
        body = {"response_type": "ephemeral", "replace_original": False, **content}
        with translated():
            async with self.session.post(url, json=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise refusal(response.status, response.headers, None)
        return True

    async def open(self, trigger_id: str, view: JSON) -> None:
        """Open a modal; the trigger is good for one use within three seconds of the click."""
        await self.call("views.open", {"trigger_id": trigger_id, "view": view})

    async def send(self, channel: str, content: JSON, thread: str = "") -> Posted:
        """Post content to a channel, or into a thread of it."""
        target = {"channel": channel, **_QUIET} | ({"thread_ts": thread} if thread else {})
        answer = await self._paced(channel, "chat.postMessage", target | content)
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def direct(self, user: str) -> str:
        """Return the channel of direct messages with a user."""
        if user not in self._direct:
            self._direct[user] = str((await self.call("conversations.open", {"users": user}))["channel"]["id"])
        return self._direct[user]

    async def _paced(self, channel: str, method: str, arguments: JSON) -> AsyncSlackResponse:
        """Call a method, but not while Slack wants to be left alone in that channel."""
        now = asyncio.get_running_loop().time()
        if (left := self._paused.get(channel, 0.0) - now) > 0:
            raise SlackError("the channel is paused", retryable=True, retry_after=left, sent=False)
        try:
            return await self.call(method, arguments)
        except SlackError as error:
            if error.retry_after:
                self._paused[channel] = now + error.retry_after
            raise

    async def _is_ours(self, user: JSON) -> bool:
        """Return whether a user is an active human member of our workspace or organisation."""
        if not self._own:
            with translated():
                answer = await self.web.auth_test()
            self._own = {"team": answer["team_id"], "enterprise": answer.get("enterprise_id")}
        enterprise: Any = user.get("enterprise_user", {}).get("enterprise_id")
        ours = user.get("team_id") == self._own["team"] or (enterprise and enterprise == self._own["enterprise"])
        return bool(ours) and not (user.get("deleted") or user.get("is_bot") or user.get("is_stranger"))


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
