"""A client of Slack's Web API: messages, modals, home tabs and users. Slack docs: reference/methods."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import aiohttp
import orjson
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.pace import Pace
from adapters.common.proxies import open_proxied_session
from adapters.slack.errors import NO_SUCH_USER, SYSTEM, SlackError, is_outage, read_error, translate_errors
from adapters.slack.settings import SlackSettings
from adapters.slack.taking import NewestBlocks
from adapters.slack.text import JSON
from core.messages import Message
from core.ports.messenger import Posted

log = logging.getLogger(__name__)

TIMEOUT: Final = 10.0  # seconds for one call
TEAM_WITHIN: Final = 1.0
"""Seconds to wait for the id of our team: less than a request may take to be answered."""
_BURST: Final = 5
"""How many messages one after the other a channel gets, in as many seconds."""
_UPDATES: Final = 50
"""How many updates in a minute Slack takes at least. It welcomes bursts, so as many are sent in ten seconds."""
_ERROR: Final = re.compile(r"[a-z]+(_[a-z]+)+")
_QUIET: Final = {"unfurl_links": False, "unfurl_media": False}


class SlackClient:
    """Calls Slack as one app. Every method raises SlackError, a DeliveryError.

    Slack has no idempotency keys: a message is posted twice when a call is repeated whose answer was lost. Nothing is
    repeated here. After a 429, such calls fail until the time in Retry-After is over. Calls that are `queued` also keep
    Slack's limits: a message a second in each channel, and 50 updates a minute, with bursts until Slack refuses them.
    """

    def __init__(self, settings: SlackSettings, timeout: float = TIMEOUT) -> None:
        self.settings = settings
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        cure = f"let this machine reach {settings.api_url}, or check slack.api_url"
        self._reachability = Reachability("Slack", cure, log)
        self._direct_channels: dict[str, str] = {}
        self._posts = Pace(SYSTEM, _BURST, _BURST)
        self._updates = Pace(SYSTEM, _UPDATES, 10.0, interval=60 / _UPDATES)
        self._ephemerals = Pace(SYSTEM, 100, 60.0)
        self._workspace: JSON = {}
        self.newest_blocks = NewestBlocks()

    @property
    def web(self) -> AsyncWebClient:
        """The client of the SDK, which repeats no call by itself. Its first use needs a running loop."""
        if self._web is None:
            token = self.settings.bot_token.get_secret_value()
            self._web = AsyncWebClient(token, self.settings.api_url, session=self.session, retry_handlers=[])
        return self._web

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connection pool of all calls. Its first use needs a running loop."""
        if self._session is None:
            self._session = open_proxied_session(timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        session, self._session, self._web = self._session, None, None
        if session:
            await session.close()

    async def call(self, method: str, arguments: JSON) -> AsyncSlackResponse:
        """Call a method of the Web API with JSON arguments."""
        with self._track_call():
            return await self.web.api_call(method, json=arguments)

    async def send(self, channel: str, content: JSON, thread: str = "", *, queued: bool = False) -> Posted:
        """Post content to a channel, or to a thread in it."""
        target = {"channel": channel, **_QUIET} | ({"thread_ts": thread} if thread else {})
        with _in_turn(self._posts, channel, queued):
            answer = await self.call("chat.postMessage", target | content)
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def update(self, posted: Posted, content: JSON, *, queued: bool = False) -> None:
        """Replace the content of a message."""
        with _in_turn(self._updates, "", queued):
            await self.call("chat.update", {"channel": posted.channel, "ts": posted.message, **content})

    async def send_ephemeral(self, channel: str, user: str, content: JSON, thread: str = "") -> None:
        """Send content that only one user sees in a channel."""
        target = {"channel": channel, "user": user} | ({"thread_ts": thread} if thread else {})
        with _in_turn(self._ephemerals, "", queued=False):
            await self.call("chat.postEphemeral", target | content)

    async def send_directly(self, user: str, content: JSON) -> None:
        """Send content as a direct message."""
        await self.send(await self.open_direct_channel(user), content)

    async def respond(self, url: str, content: JSON, *, replaces: bool = False) -> None:
        """Send content by the response_url of a request: five times within half an hour.

        It is for the requester alone, or else `replaces` the clicked message.
        """
        if _host(url) not in self.settings.response_hosts:
            raise SlackError(Message("the response_url is not one of Slack's"), retryable=False, sent=False)
        kind: JSON = {"replace_original": True} if replaces else {"response_type": "ephemeral"}
        body = {"replace_original": False, **kind, **content}
        with self._track_call():
            async with self.session.post(url, json=body, allow_redirects=False) as response:
                answer = _read_answer(await response.text())
                if response.status != 200 or answer.get("error"):
                    raise read_error(response.status, response.headers, answer)

    async def open_modal(self, trigger_id: str, view: JSON, *, above: bool = False) -> None:
        """Open a modal, `above` the one with the click. A trigger can be used once, within three seconds of that."""
        await self.call("views.push" if above else "views.open", {"trigger_id": trigger_id, "view": view})

    async def update_modal(self, view_id: str, view: JSON) -> None:
        """Replace the content of an open modal."""
        await self.call("views.update", {"view_id": view_id, "view": view})

    async def publish_home(self, user: str, view: JSON) -> None:
        """Replace the home tab of a user."""
        await self.call("views.publish", {"user_id": user, "view": view})

    async def open_direct_channel(self, user: str) -> str:
        """Return the channel of direct messages with a user."""
        if user not in self._direct_channels:
            answer = await self.call("conversations.open", {"users": user})
            self._direct_channels[user] = str(answer["channel"]["id"])
        return self._direct_channels[user]

    async def find_user_by_email(self, email: str) -> JSON | None:
        """Return the active member of our organisation with an e-mail address, or None."""
        return await self._get_member("users.lookupByEmail", {"email": email})

    async def get_user(self, user: str) -> JSON | None:
        """Return an active member; None for one who is unknown, has left, or belongs to another organisation."""
        return await self._get_member("users.info", {"user": user})

    async def _get_member(self, method: str, parameters: JSON) -> JSON | None:
        try:
            with self._track_call():
                user: JSON = (await self.web.api_call(method, http_verb="GET", params=parameters))["user"]
        except SlackError as error:
            if error.vendor_code in NO_SUCH_USER:
                return None
            raise
        return user if await self._is_ours(user) else None

    async def load(self) -> None:
        """Request the ids of our workspace now, so that requests are answered while it cannot be called."""
        with suppress(SlackError):  # the first request tries again
            await self._get_workspace()

    async def is_of_another_team(self, user: str, team: str) -> bool:
        """Return whether a user of a team is no member of our workspace or organisation, whatever their id is.

        Raises SlackError in time for an answer to Slack, when our team is not known yet and Slack does not say it.
        """
        try:
            async with asyncio.timeout(TEAM_WITHIN):
                own = await self._get_workspace() if team else {}
        except TimeoutError:
            raise SlackError(Message("no answer in time"), retryable=True, sent=True) from None
        if not own or team == own["team"]:
            return False
        return not (own["enterprise"] and await self.get_user(user))

    async def _is_ours(self, user: JSON) -> bool:
        """Return whether a user is an active human member of our workspace or organisation."""
        own, enterprise = await self._get_workspace(), (user.get("enterprise_user") or {}).get("enterprise_id")
        ours = user.get("team_id") == own["team"] or (enterprise and enterprise == own["enterprise"])
        return bool(ours) and not (user.get("deleted") or user.get("is_bot") or user.get("is_stranger"))

    async def _get_workspace(self) -> JSON:
        """Return the ids of our team and, if it has one, of its enterprise. Slack is requested once for them."""
        if not self._workspace:
            with self._track_call():
                answer = await self.web.auth_test()
            self._workspace = {"team": answer["team_id"], "enterprise": answer.get("enterprise_id")}
        return self._workspace

    @contextmanager
    def _track_call(self) -> Iterator[None]:
        """Translate the errors of a call, and log the loss and the return of Slack."""
        with self._reachability.track(is_outage), translate_errors():
            yield


@contextmanager
def _in_turn(pace: Pace, key: str, queued: bool) -> Iterator[None]:
    """Make a call in its turn if it is queued, otherwise now."""
    (pace.take if queued else pace.note)(key)
    with pace.watch(key):
        yield


def _read_answer(text: str) -> JSON:
    """Return the answer of a response_url, which has its error in JSON or is its error."""
    try:
        answer = orjson.loads(text)
    except ValueError:
        return {"error": text} if _ERROR.fullmatch(text) else {}
    return answer if isinstance(answer, dict) else {}


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
