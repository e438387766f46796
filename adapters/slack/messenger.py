"""Posts Fabu's cards to Slack and keeps them up to date."""

from __future__ import annotations

from adapters.slack import render
from adapters.slack.client import SlackClient
from adapters.slack.errors import NO_UPDATE, SlackError
from adapters.slack.inbound import PLATFORM
from adapters.slack.text import escape
from core.card import Card
from core.ports.messenger import Place, Posted


class SlackMessenger:
    """The outbound side of Slack (`core.ports.messenger.Messenger`). Every method raises SlackError."""

    platform = PLATFORM
    threads = True
    buttons = True

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card to a person or a channel."""
        channel = await self._client.direct(place.user) if place.user else place.channel
        return await self._client.send(channel, render.message(card))

    async def update(self, posted: Posted, card: Card) -> bool:
        """Show the newest state on a card; False when Slack no longer lets it change."""
        content = render.message(card)
        try:
            await self._client.update(posted, content)
        except SlackError as error:
            if error.vendor_code in NO_UPDATE:
                return False
            raise
        return True

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Write a plain text into the thread below a card."""
        await self._client.send(posted.channel, {"text": escape(text, render.FALLBACK)}, posted.message)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the id of the active user with an e-mail address, or "". Slack cannot look up phones."""
        user = await self._client.user_by_email(email) if email else None
        return str(user["id"]) if user else ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the confirmed e-mail address of an active member, and no phone: Slack does not verify phones.

        None for people of other organisations too: their addresses are the word of a stranger.
        """
        found = await self._client.user(user)
        if found is None:
            return None
        email = found.get("profile", {}).get("email") or ""
        return (email if found.get("is_email_confirmed", True) else "", "")

    async def close(self) -> None:
        """Give up connections."""
        await self._client.close()
