"""Deliveries in the chats: what outside systems could not be told, and telling them again."""

from __future__ import annotations

import re

from bot.cards.lists import ListCards
from bot.chat.requests import clock_change
from bot.i18n import Locale
from bot.outbox.replay import Choice, Replays, given_up, named
from core.card import Card
from core.engine import Engine
from core.errors import Invalid, NotFound, Problem
from core.messages import Message
from core.people import Actor
from core.ports.outbox import Delivery, DeliveryState
from core.ports.paging import Page
from core.ports.store import Reading, Store
from core.text import ClockChangeError

_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[#＃]?(\d{1,9})")
_SHOWN = 10


class Redelivery:
    """Answers `deliveries` and `replay`."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store, self._replays = store, Replays(store, engine)

    async def shown(self, ref: str, cards: ListCards) -> Card:
        """Return the newest deliveries that were given up, of a plan or of all. Raises NotFound."""

        def query(reading: Reading) -> tuple[Page[Delivery], dict[str, int]]:
            plan_id = reading.plans.id_of(ref.lstrip("#＃")) if ref else ""
            page = reading.deliveries.page(plan_id, DeliveryState.DEAD, limit=_SHOWN)
            plans = reading.plans.get_masked({delivery.effect.plan_id for delivery in page.items})
            return page, {plan.id: plan.number for plan in plans.values()}

        page, numbers = await self._store.read(query)
        return cards.deliveries(page.items, numbers)

    async def replay(self, asked: str, actor: Actor, key: str, locale: Locale) -> str:
        """Deliver again what is asked for: ids, all that was given up of a plan, or in a time; return what is said.

        Raises Forbidden for all but administrators, NotFound when nothing of it has ended.
        """
        done = await self._replays.replay(await self._chosen(asked, locale), actor, key)
        if not done.count:
            raise NotFound(Message("Nothing of it was given up, so nothing is delivered again."))
        return locale.text("Deliveries that begin again: {count}.", count=done.count)

    async def _chosen(self, asked: str, locale: Locale) -> Choice:
        words = asked.split()
        if all(_ID.fullmatch(word) for word in words):
            return named(words)
        if number := _NUMBER.fullmatch(asked):
            return given_up(await self._store.read(lambda reading: reading.plans.id_of(number[1])))
        since, _, until = asked.partition("/")
        try:
            return given_up("", locale.parse_time(since), locale.parse_time(until) if until.strip() else None)
        except ClockChangeError:
            raise Invalid(clock_change("replay")) from None
        except ValueError:
            problem = Problem(
                "replay",
                "write ids, the number of a plan, or a time such as 2026-01-31 20:00 / 2026-01-31 22:00",
            )
            raise Invalid(problem) from None
