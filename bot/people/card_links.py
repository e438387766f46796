"""Links on what one person gets in a chat: each signs that person in, once, and leads to what its card shows.

A card has the same link at every update of a day, and nothing is stored until somebody uses it: its secret says whose
it is and until when, and is signed with a key of the installation.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b
from typing import Final

from bot.people.tokens import digest_of
from core.card import Button, Card, Row
from core.ports.clock import Clock
from core.ports.people import Token

LIFE: Final = timedelta(days=2)
"""How long after the beginning of its day a link is good: its use is remembered for longer (`bot.scheduler`)."""
_FORM: Final = re.compile(r"([\w-]{1,400})\.([\w-]{43})")


class CardLinks:
    """Makes and reads the links on people's cards. `public_url` is the address of the console."""

    def __init__(self, key: bytes, clock: Clock, public_url: str) -> None:
        self._key, self._clock, self.public_url = key, clock, public_url
        self._page = re.compile(rf"{re.escape(public_url)}/(?:plans/(\d+))?")

    def sign(self, card: Card, person: str, card_id: str) -> Card:
        """Return a card whose links to the pages of Fabu sign a person in."""
        secret = self._make(person, card_id)

        def sign_button(button: Button) -> Button:
            return replace(button, url=self._sign(button.url, secret)) if button.url else button

        def sign_row(row: Row) -> Row:
            if not row.url and not any(button.url for button in row.buttons):
                return row
            return replace(row, url=self._sign(row.url, secret), buttons=tuple(map(sign_button, row.buttons)))

        return replace(
            card.with_rows(sign_row),
            buttons=tuple(map(sign_button, card.buttons)),
            more=card.more and sign_button(card.more),
            review=card.review and sign_button(card.review),
            personal=True,
        )

    def read(self, secret: str) -> Token | None:
        """Return the link with a secret as a token that nobody has used; None when it is not one of ours."""
        match = _FORM.fullmatch(secret)
        if match is None or not hmac.compare_digest(self._mac(match[1]), match[2]):
            return None
        try:
            person, card_id, ends = json.loads(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
        except (ValueError, NotBase64):
            return None
        digest, ends_at = digest_of(secret), datetime.fromtimestamp(ends, UTC)
        return Token(digest[:32], digest, person, f"link on card {card_id}", ends_at - LIFE, ends_at, single_use=True)

    def _make(self, person: str, card_id: str) -> str:
        ends = datetime.combine(self._clock.now().astimezone(UTC), time(), UTC) + LIFE
        said = json.dumps([person, card_id, int(ends.timestamp())], ensure_ascii=False, separators=(",", ":"))
        payload = urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return f"{payload}.{self._mac(payload)}"

    def _mac(self, payload: str) -> str:
        """Return the keyed hash of a payload: every card of a person needs one, and BLAKE2 is quicker than HMAC."""
        return urlsafe_b64encode(blake2b(payload.encode(), key=self._key, digest_size=32).digest()).decode().rstrip("=")

    def _sign(self, url: str, secret: str) -> str:
        """Return the URL that signs in and then opens a page; that of anything else stays as it is."""
        match = self._page.fullmatch(url)
        if match is None:
            return url
        return f"{self.public_url}/sign-in/{secret}" + (f"?plan={match[1]}" if match[1] else "")
