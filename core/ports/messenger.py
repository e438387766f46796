"""The port of a chat's outbound side: cards that are posted and kept up to date, and who a chat user is."""

from __future__ import annotations

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
    """Where a card is: enough to change it, and to write below it."""

    channel: str
    message: str


class Messenger(Protocol):
    """The outbound side of a chat. Every method raises DeliveryError when the vendor does not take the call."""

    platform: str
    threads: bool
    """Whether what is said below a card stands there, and not among everything else in the chat."""
    buttons: bool
    """Whether cards have buttons; if not, the link on what one person gets signs them in to where the buttons are."""

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card. The same `key` posts one card where the vendor can tell (else a crash may post it twice)."""
        ...

    async def update(self, posted: Posted, card: Card) -> bool:
        """Show the newest state on a card; False when the vendor no longer lets it change, so that a new one is due."""
        ...

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Write a plain text into the thread below a card, or into its chat where there are no threads."""
        ...

    async def find_user(self, email: str, phone: str) -> str:
        """Return the vendor's id of the active user with a verified e-mail address or phone number, or ""."""
        ...

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the verified e-mail address and phone of an active user, or None when unknown or deactivated."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...
