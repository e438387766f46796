"""The verbs `deliveries` and `replay` in chats: dead deliveries, and replays of ended ones."""

from __future__ import annotations

import re

from bot.cards.lists import ListCards
from bot.cards.paging import Pages
from bot.chat.requests import clock_change
from bot.i18n import Locale
from bot.outbox.replay import Choice, Replays, choose_dead, choose_ids
from bot.verbs import ChatVerb, word_for
from core.card import Card
from core.engine import Engine
from core.errors import Invalid, NotFound, Problem
from core.messages import Message
from core.people import Actor
from core.ports.outbox import Delivery, DeliveryReads, DeliveryState
from core.ports.paging import Page
from core.ports.store import Reading, Store
from core.text import ClockChangeError

_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[#＃]?(\d{1,9})")
_ALL = ("all", "全部")
_PAGE = re.compile(r"[0-9]{1,6}")
_DEEPEST = 10_000
"""How many deliveries may be skipped to reach a page."""


class Redelivery:
    """Answers the verbs `deliveries` and `replay`."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store, self._replays = store, Replays(store, engine)

    async def list_dead(self, rest: str, cards: ListCards) -> Card:
        """Return a page of the dead deliveries, the newest first: of one plan, or of all. Raises NotFound."""
        words, text = rest.split(), cards.locale.text
        ref = words[0].lstrip("#＃") if words and words[0] not in _ALL else ""
        number = int(words[1]) if len(words) > 1 and _PAGE.fullmatch(words[1]) else 0
        verb = word_for(ChatVerb.DELIVERIES, cards.locale.language)

        def load(reading: Reading) -> tuple[Page[Delivery], dict[str, int], Pages]:
            plan_id = reading.plans.id_of(ref) if ref else ""
            total = reading.deliveries.counts(plan_id).get(DeliveryState.DEAD, 0)
            pages = Pages(total, number, f"{verb} {ref or text('all')}")
            page = _read_part(reading.deliveries, plan_id, pages)
            plans = reading.plans.get_masked({delivery.effect.plan_id for delivery in page.items})
            return page, {plan.id: plan.number for plan in plans.values()}, pages

        page, numbers, pages = await self._store.read(load)
        return cards.deliveries(page.items, numbers, pages)

    async def replay(self, text: str, actor: Actor, key: str, locale: Locale) -> str:
        """Replay the deliveries that a text names, once per key; return the sentence that answers it.

        The text has the ids of deliveries, the number of a plan, or a span of time; the latter two stand for the dead
        deliveries in it. Raises Invalid for another text, Forbidden for all but administrators, and NotFound when there
        is nothing to replay.
        """
        result = await self._replays.replay(await self._parse_choice(text, locale), actor, key)
        if not result.count:
            raise NotFound(Message("Nothing of it was given up, so nothing is delivered again."))
        return locale.text("Deliveries that begin again: {count}.", count=result.count)

    async def _parse_choice(self, text: str, locale: Locale) -> Choice:
        words = text.split()
        if all(_ID.fullmatch(word) for word in words):
            return choose_ids(words)
        if number := _NUMBER.fullmatch(text):
            return choose_dead(await self._store.read(lambda reading: reading.plans.id_of(number[1])))
        since, _, until = text.partition("/")
        try:
            return choose_dead("", locale.parse_time(since), locale.parse_time(until) if until.strip() else None)
        except ClockChangeError:
            raise Invalid(clock_change("replay")) from None
        except ValueError:
            problem = Problem(
                "replay",
                "write ids, the number of a plan, or a time such as 2026-01-31 20:00 / 2026-01-31 22:00",
            )
            raise Invalid(problem) from None


def _read_part(deliveries: DeliveryReads, plan_id: str, pages: Pages) -> Page[Delivery]:
    skipped = min(pages.skipped, _DEEPEST)
    cursor = deliveries.page(plan_id, DeliveryState.DEAD, limit=skipped).next_cursor if skipped else ""
    return deliveries.page(plan_id, DeliveryState.DEAD, cursor, pages.size)
