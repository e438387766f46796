"""Sends cards with tables, or with rows in their place to an app whose tables Feishu refuses."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from adapters.feishu.errors import CARD_REFUSED, FeishuError
from adapters.feishu.render import has_tables, render_card
from core.card import Card

T = TypeVar("T")

log = logging.getLogger(__name__)


class Cards:
    """Renders the cards of one app, and remembers while the program runs whether Feishu takes tables from it."""

    def __init__(self) -> None:
        self._tables: bool | None = None

    def render(self, card: Card) -> dict[str, Any]:
        """Return a card as Feishu takes it, as far as is known."""
        return render_card(card, tables=self._tables is not False)

    def render_known(self, card: Card) -> dict[str, Any] | None:
        """Return a card that Feishu takes, for where no refusal is heard; None while that is not known."""
        rendered = self.render(card)
        return rendered if self._tables or not has_tables(rendered) else None

    async def send(self, card: Card, call: Callable[[dict[str, Any]], Awaitable[T]]) -> T:
        """Send a card by `call`, and once more with rows where Feishu refuses its content because of a table.

        Raises what `call` raises.
        """
        rendered = self.render(card)
        try:
            sent = await call(rendered)
        except FeishuError as error:
            if error.vendor_code != CARD_REFUSED or not has_tables(rendered):
                raise
            refusal = error
        else:
            if has_tables(rendered):
                self._tables = True
            return sent
        sent = await call(render_card(card, tables=False))
        if self._tables is not False:
            self._tables = False
            log.warning("Feishu refuses the tables in this app's cards, which have rows from now on: %s", refusal)
        return sent
