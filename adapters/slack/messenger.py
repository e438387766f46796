"""The outbound side of Slack: posts and updates cards, and finds users."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.slack.client import SlackClient
from adapters.slack.errors import NO_UPDATE, SlackError
from adapters.slack.inbound import PLATFORM
from adapters.slack.render import render_message, render_text
from core.card import Card
from core.ports.messenger import Place, Posted


class SlackMessenger:
    """The messenger of Slack (`core.ports.messenger.Messenger`). Every method raises DeliveryError."""

    platform = PLATFORM
    threads = True
    buttons = True

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card to a person or a channel."""
        channel = await self._client.open_direct_channel(place.user) if place.user else place.channel
        return await self._client.newest_blocks.send(
            lambda newest: render_message(card, newest=newest),
            lambda content: self._client.send(channel, content, queued=True),
        )

    async def update(self, posted: Posted, card: Card) -> bool:
        """Replace the content of a card; False when Slack does not permit that any more."""
        try:
            await self._client.newest_blocks.send(
                lambda newest: render_message(card, newest=newest),
                lambda content: self._client.update(posted, content, queued=True),
            )
        except SlackError as error:
            if error.vendor_code in NO_UPDATE:
                return False
            raise
        return True

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        """Post a plain text in the thread below a card; a `loud` one is broadcast to the channel as well."""
        content = render_text(text, mentioned=mentioned) | ({"reply_broadcast": True} if loud else {})
        await self._client.send(posted.channel, content, posted.message, queued=True)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the id of the active user with an e-mail address, or "". Slack finds nobody by phone number."""
        user = await self._client.find_user_by_email(email) if email else None
        return str(user["id"]) if user else ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the confirmed e-mail address of an active member, and no phone number: Slack does not verify those.

        None for members of other organisations, too, whose addresses our organisation does not vouch for.
        """
        member = await self._client.get_user(user) if ":" not in user else None  # `team:user` is of another team
        if member is None:
            return None
        email = (member.get("profile") or {}).get("email") or ""
        return (email if member.get("is_email_confirmed", True) else "", "")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
