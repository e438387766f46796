"""Fits a card into Feishu's limits: what matters most gets its place first, the rest what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from adapters.feishu.components import Element
from adapters.feishu.validate import MAX_BYTES, MAX_ELEMENTS, count_elements


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a card that is shown wholly or not at all.

    `brief` is another form of it for want of room, without what can be done there; `pressing` blocks get their full
    form before others do. `rows` says how many rows of a list it shows.
    """

    full: tuple[Element, ...]
    brief: tuple[Element, ...] = ()
    pressing: bool = False
    rows: int = 0


class Room:
    """What is left of the limits of one card."""

    def __init__(self, frame: Element) -> None:
        self._elements = MAX_ELEMENTS - count_elements(frame)
        self._bytes = MAX_BYTES - len(orjson.dumps(frame))

    def take(self, elements: Sequence[Element], instead_of: Sequence[Element] = ()) -> bool:
        """Take room for elements, giving back what others took; False, and nothing taken, when there is too little."""
        more = count_elements(list(elements)) - count_elements(list(instead_of))
        longer = _size(elements) - _size(instead_of)
        if more > self._elements or longer > self._bytes:
            return False
        self._elements -= more
        self._bytes -= longer
        return True

    def keep(self, blocks: Iterable[Block]) -> list[Element]:
        """Return the elements of those blocks for which there is room, in order."""
        return [element for block in blocks if self.take(block.full) for element in block.full]

    def fit(self, blocks: Sequence[Block]) -> tuple[list[Element], Sequence[Block]]:
        """Return the elements of a list, brief where there is too little room, and the blocks that were left out.

        All get their place before any is shown in full, so that the last item of a plan is seen as well.
        """
        shown: list[Sequence[Element]] = []
        for block in blocks:
            brief = block.brief or block.full
            if not self.take(brief):
                break
            shown.append(brief)
        for index in sorted(range(len(shown)), key=lambda index: not blocks[index].pressing):
            if self.take(blocks[index].full, instead_of=shown[index]):
                shown[index] = blocks[index].full
        return [element for elements in shown for element in elements], blocks[len(shown) :]


def _size(elements: Sequence[Element]) -> int:
    return sum(len(orjson.dumps(element)) + 1 for element in elements)
