"""Fits a card into Feishu's limits: the most important parts get space first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.feishu.components import Element
from adapters.feishu.validate import ENVELOPE, MAX_BYTES, MAX_ELEMENTS, count_elements, size_in_body


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a card, which is rendered completely or not at all.

    `brief` is a shorter form without buttons, for when there is little space. `important` blocks get their full form
    before others. `rows` is how many rows of a list the block has.
    """

    full: tuple[Element, ...]
    brief: tuple[Element, ...] = ()
    important: bool = False
    rows: int = 0


class Room:
    """The space that is left in one card."""

    def __init__(self, frame: Element) -> None:
        self._elements = MAX_ELEMENTS - count_elements(frame)
        self._bytes = MAX_BYTES - ENVELOPE - size_in_body(frame)

    def take(self, elements: Sequence[Element], instead_of: Sequence[Element] = ()) -> bool:
        """Subtract the space of elements, and add that of those they replace; False when there is too little space."""
        more = count_elements(list(elements)) - count_elements(list(instead_of))
        longer = _size(elements) - _size(instead_of)
        if more > self._elements or longer > self._bytes:
            return False
        self._elements -= more
        self._bytes -= longer
        return True

    def keep(self, blocks: Iterable[Block]) -> list[Element]:
        """Return the elements of the blocks that fit, in order."""
        return [element for block in blocks if self.take(block.full) for element in block.full]

    def fit(self, blocks: Sequence[Block]) -> tuple[list[Element], Sequence[Block]]:
        """Return the elements of a list, brief where there is too little space, and the blocks that do not fit.

        Every block gets its brief form before one gets its full form, so that the last item of a plan is in the card.
        """
        fitted: list[Sequence[Element]] = []
        for block in blocks:
            brief = block.brief or block.full
            if not self.take(brief):
                break
            fitted.append(brief)
        for index in sorted(range(len(fitted)), key=lambda index: not blocks[index].important):
            if self.take(blocks[index].full, instead_of=fitted[index]):
                fitted[index] = blocks[index].full
        return [element for elements in fitted for element in elements], blocks[len(fitted) :]


def _size(elements: Sequence[Element]) -> int:
    return sum(size_in_body(element) for element in elements)
