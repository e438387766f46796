"""Which of Slack's newest blocks the workspace takes: they are tried once, and rows stand in their place if refused."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from adapters.slack.errors import SlackError
from adapters.slack.newest import newest_types, with_new_ids
from adapters.slack.text import JSON
from core.errors import DeliveryError

T = TypeVar("T")
Render = Callable[[bool], JSON]
"""Returns the content of a message, with the newest blocks or without."""
_REFUSED: Final = frozenset({"invalid_blocks", "invalid_blocks_format"})

log = logging.getLogger(__name__)


class NewestBlocks:
    """What this process has seen of the workspace; nothing after a start.

    A refusal counts for all messages to come, unless the workspace has taken blocks of these types before: then it is
    about the one message.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._refused = False

    async def send(self, render: Render, send: Callable[[JSON], Awaitable[T]]) -> T:
        """Send content with the newest blocks, or without them where Slack refuses them. Raises what `send` raises."""
        content = _with_new_ids(render(not self._refused))
        types = newest_types(content["blocks"])
        try:
            sent = await send(content)
        except SlackError as error:
            if not types or error.vendor_code not in _REFUSED:
                raise
            try:
                sent = await send(_with_new_ids(render(False)))
            except DeliveryError as other:
                if not (isinstance(other, SlackError) and other.vendor_code in _REFUSED):
                    self._note_refusal(types, error)  # so that the next attempt is one call, which is in its turn
                raise
            self._note_refusal(types, error)
        else:
            self._taken |= types
        return sent

    def render_known(self, render: Render) -> JSON:
        """Return content where Slack does not say whether it takes it: with those blocks that it took before."""
        content = render(not self._refused)
        return content if newest_types(content["blocks"]) <= self._taken else render(False)

    def _note_refusal(self, types: frozenset[str], error: SlackError) -> None:
        if types <= self._taken:
            log.warning("A card was sent without %s, which Slack refused for this one: %s", _join(types), error)
        elif not self._refused:
            self._refused = True
            log.warning(
                "This Slack workspace does not take the blocks %s yet; until the next start, cards list what they would"
                " show in them: %s",
                _join(types),
                error,
            )


def _with_new_ids(content: JSON) -> JSON:
    return content | {"blocks": with_new_ids(content["blocks"])}


def _join(types: frozenset[str]) -> str:
    return ", ".join(sorted(types))
