"""The references of buttons: to what a click on them refers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from core.card import SAY, Button, Card
from core.errors import NotFound, Thing

_PAGE = re.compile(r"[0-9]{1,6}")


class View(StrEnum):
    """What a card shows.

    Only a click updates a reply; digests, approval cards and the others are kept up to date (`bot.outbox`). An approval
    card is sent to one person alone: whoever clicks it has seen it.
    """

    PLAN = "plan"
    MINE = "mine"
    DIGEST = "digest"
    APPROVAL = "approval"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Ref:
    """The reference of a button: a plan, the nonce of the revision that the card shows, and perhaps an item.

    Buttons of a reply or a digest have its `view` as well, with the `page` of it, so that a click can update it.
    """

    plan_id: str
    nonce: str = ""
    item_id: str = ""
    view: str = ""
    page: int = 0

    @classmethod
    def parse(cls, ref: str) -> Ref:
        """Parse a reference. Raises NotFound when it is not one."""
        parts = ref.split(".")
        page = parts[4] if len(parts) == 5 else ""
        if not parts[0] or len(parts) > 5 or (page and not _PAGE.fullmatch(page)):
            raise NotFound(Thing.PLAN, ref[:40])
        plan_id, nonce, item_id, view = (*parts[:4], "", "", "")[:4]
        return cls(plan_id, nonce, item_id, view, int(page or 0))

    def __str__(self) -> str:
        return ".".join((self.plan_id, self.nonce, self.item_id, self.view, str(self.page or ""))).rstrip(".")


def mark_reply(card: Card, view: View, page: int = 0) -> Card:
    """Return the card of a reply, whose buttons say which one it is."""

    def mark(button: Button) -> Button:
        if button.verb == SAY or not button.ref:
            return button
        return replace(button, ref=str(replace(Ref.parse(button.ref), view=view, page=page)))

    marked = card.with_rows(lambda row: replace(row, buttons=tuple(map(mark, row.buttons))))
    return replace(marked, buttons=tuple(map(mark, card.buttons)))
