"""The port of a chat's outbound side: it posts and updates cards, and finds chat users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.card import Card


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card goes: to a person (`user` is the vendor's id) or to a channel."""

    user: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a posted card is: what the vendor needs to update it, and to post below it."""

    channel: str
    message: str


class Messenger(Protocol):
    """The outbound side of a chat. Every method raises DeliveryError when the vendor does not accept the call.

    Cards and texts keep the vendor's rate limits: where it is not their turn, or the vendor says so, the error is
    `limited` and says how long to wait.
    """

    platform: str
    threads: bool
    """Whether texts below a card form a thread, apart from the other messages of the chat."""
    buttons: bool
    """Whether cards have buttons. If not, the link on a person's card signs them in to the page with the buttons."""

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card, once for a `key` where the vendor supports that; elsewhere a crash may post it twice."""
        ...

    async def update(self, posted: Posted, card: Card) -> bool:
        """Replace the content of a card; False when the vendor no longer permits that, so that a new card is needed."""
        ...

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        """Post a plain text in the thread below a card, or in its chat where there are no threads.

        `mentioned` are the vendor's ids of those who have to act, who are notified where the chat can. A `loud` text
        stands in the chat as well as in the thread.
        """
        ...

    async def find_user(self, email: str, phone: str) -> str:
        """Return the vendor's id of the active user with a verified e-mail address or phone number, or ""."""
        ...

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the verified e-mail address and phone of an active user, or None when unknown or deactivated."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
